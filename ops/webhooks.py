"""Defines the command on webhooks: what waits for receivers."""

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib import composition
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import Instance
from chalicelib.shop.webhooks.endpoints import WEBHOOK_ENDPOINTS
from chalicelib.shop.webhooks.group_store import GROUP
from chalicelib.shop.webhooks.groups import MessageGroup
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from chalicelib.composition import Composition

LONGEST_WAIT = timedelta(days=3)
MOST = 10_000


def webhooks(_: argparse.Namespace) -> Report:
    """List the orders and concerts whose messages wait for a receiver, the longest failing first."""
    shop = composition.current()
    waiting = shop.webhook_groups.list_due(shop.clock() + LONGEST_WAIT, MOST)
    rows = [row for instance in waiting for row in _rows(shop, instance)]
    return Report(sorted(rows, key=lambda row: row["failing since"]))


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    commands.add_parser("webhooks", help=webhooks.__doc__).set_defaults(command=webhooks)


def _rows(shop: "Composition", instance: Instance) -> Iterator[dict[str, str]]:
    if instance.aggregate_type != GROUP:
        return
    group = MessageGroup.from_state(instance.state)
    state = shop.repository.load(WEBHOOK_ENDPOINTS, group.named.endpoints_id)[0]
    endpoint = state.endpoints.get(group.named.endpoint_id)
    yield {
        "organiser": str(state.organiser_id),
        "endpoint": str(group.named.endpoint_id),
        "receiver": "deleted" if endpoint is None else endpoint.details.url,
        "about": f"{group.named.source} {group.named.key}",
        "attempts": str(group.attempts),
        "failing since": _text(group.failed_at),
        "next": _text(instance.due_at),
    }


def _text(instant: datetime | None) -> str:
    return "-" if instant is None else format_instant(instant)
