"""The rules of a concert's doors are a stream of their own."""

from datetime import UTC, datetime
from uuid import UUID

from chalicelib.shop.orders.doors.rules import DOORS, Doors, evolve

CONCERT_ID, ORGANISER_ID, NOW = UUID(int=1), UUID(int=2), datetime(2026, 11, 28, tzinfo=UTC)


def set_to(doors: Doors, has_reentry: bool) -> tuple[Doors, int]:
    """The doors afterwards, and how many events that took."""
    events = doors.set_rules(CONCERT_ID, ORGANISER_ID, has_reentry, NOW)
    for event in events:
        doors = evolve(doors, event)
    return doors, len(events)


def test_rules_that_were_never_set_are_stored_even_if_they_are_the_usual_ones() -> None:
    """Else there would be no version of them to answer with."""
    doors, events = set_to(DOORS.initial, False)
    assert (doors.has_reentry, events) == (False, 1)


def test_setting_the_rules_of_today_again_changes_nothing() -> None:
    doors, _ = set_to(DOORS.initial, True)
    assert set_to(doors, True) == (doors, 0)
    assert set_to(doors, False)[1] == 1
