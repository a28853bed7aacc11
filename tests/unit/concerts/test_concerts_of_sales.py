"""The sales take over of concerts and venues what their tables have, and nothing of what only the programme shows."""

from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.postgres.tables import Alter, Change, Put, Remove, taken_over
from chalicelib.shop.concerts.events import ConcertCreated
from chalicelib.shop.concerts.sales import project_concert_of_sales
from tests.support.shop import ORGANISER, some_id
from tests.support.stored import SOME_TIME as NOW

CONCERT = some_id("concert")
COLUMNS = {"concerts": ("others", frozenset({"name"}))}


def test_a_concert_is_taken_over_with_its_organiser_and_venue() -> None:
    event = ConcertCreated(organiser_id=ORGANISER.id, name="Night", venue_id=some_id("venue"), description="Long.")
    (change,) = project_concert_of_sales(RecordedEvent(CONCERT, 0, NOW, event))
    assert isinstance(change, Put)
    assert (change.table, change.key) == ("sales_concerts", {"id": CONCERT})
    assert {name for name, value in change.columns.items() if value} == {"organiser_id", "name", "venue_id"}
    assert change.initial == {"status": "draft"}


def test_of_changes_to_other_tables_and_columns_nothing_is_left() -> None:
    key = {"id": UUID(int=1)}
    changes: list[Change] = [
        Put("concerts", key, {"name": "Night", "genre": "Jazz"}, {"genre": "", "name": ""}),
        Alter("concerts", key, {"genre": "Folk"}),
        Alter("concerts", key, {"name": "Day"}),
        Remove("concerts", key),
        Put("venues", key, {"name": "Hall"}),
    ]
    assert taken_over(changes, COLUMNS) == [
        Put("others", key, {"name": "Night"}, {"name": ""}),
        Alter("others", key, {"name": "Day"}),
        Remove("others", key),
    ]
