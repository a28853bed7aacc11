"""Defines what the health check answers."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class Health(TypedDict):
    """Says whether the shop is well; `dependencies` has the state of each server, if operators ask for it."""

    status: Literal["ok", "degraded"]
    dependencies: NotRequired[dict[str, str]]
