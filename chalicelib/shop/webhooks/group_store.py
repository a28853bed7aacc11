"""Stores groups of messages among the instances of processes, in a space of their own, with the due times of these."""

from collections.abc import Callable
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Busy
from chalicelib.platform.processes.process import Instance, Instances
from chalicelib.shop.webhooks.groups import MessageGroup

GROUP = "WebhookGroup"
_TRIES = 20


def find_group(instances: Instances, group_id: UUID) -> tuple[MessageGroup | None, int]:
    """Return a group and its version; -1 if there is none.

    Raises Unavailable.
    """
    found = instances.find(group_id)
    return (None, -1) if found is None else (MessageGroup.from_state(found.state), found.version)


def save_group(instances: Instances, group: MessageGroup, expected: int) -> int:
    """Store a group in the place of that of the expected version, and return its version.

    Raises PositionMoved or Unavailable.
    """
    version = expected + 1
    instances.save(Instance(group.named.group_id, GROUP, version, group.to_state(), group.due_at), expected)
    return version


def change_group(
    instances: Instances, group_id: UUID, change: Callable[[MessageGroup | None], MessageGroup]
) -> tuple[MessageGroup, int]:
    """Change a group, whoever changes it at the same time, and return it as it is then, with its version.

    Raises Busy or Unavailable.
    """
    for _ in range(_TRIES):
        group, version = find_group(instances, group_id)
        changed = change(group)
        try:
            return changed, save_group(instances, changed, version)
        except PositionMoved:
            continue
    raise Busy(f"Others keep changing the group {group_id}.")
