"""What somebody with access to the table could do to stored events."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.platform.eventsourcing.stored import GENESIS_HASH, StoredEvent


def edited(event: StoredEvent, *, sealed: bool = False) -> StoredEvent:
    """With other data; `sealed` with the hash that belongs to it."""
    changed = replace(event, data='{"Name": "nobody decided this"}')
    return replace(changed, hash=changed.expected_hash()) if sealed else changed


def resealed(stream: Sequence[StoredEvent]) -> list[StoredEvent]:
    """With every hash computed anew from the first one on: a forged chain, sound in itself."""
    forged: list[StoredEvent] = []
    for event in stream:
        linked = replace(event, previous_hash=forged[-1].hash if forged else GENESIS_HASH)
        forged.append(replace(linked, hash=linked.expected_hash()))
    return forged
