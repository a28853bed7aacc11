"""Models whose schemas are built at first use: a container starts with all of them and uses a few."""

from threading import RLock
from typing import Any

from pydantic import BaseModel, ConfigDict

_BUILDING = RLock()


class LateModel(BaseModel):
    """For what is made by itself, as an event or a body is, and not for values inside: those come to be without their
    own class being used, and could not be written then.

    Before 2.14, pydantic itself does not build safely while other threads use the model (its issue 13419).
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, *, force: bool = False, raise_errors: bool = True, **_: Any) -> bool | None:
        """Names in annotations are looked up where the class is, never where it happens to be used first."""
        with _BUILDING:
            return super().model_rebuild(force=force, raise_errors=raise_errors, _parent_namespace_depth=0)
