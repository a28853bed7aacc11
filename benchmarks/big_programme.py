"""Fills the programme with 20,000 concerts: of 200 artists, tributes to them, and bands that are made up."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.readmodels.port import Contents, Rewrite
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.shop.concerts.events import ConcertCreated, ConcertPublished, ConcertScheduled
from chalicelib.shop.venues.events import Coordinates, VenueCreated

ARTISTS = Path(__file__).with_name("artists.txt").read_text(encoding="utf-8").splitlines()
CONCERTS = 20_000
VENUES = 400
_TITLES = ("", ": World Tour 2030", " live", " – Unplugged", " & Friends")
_AT_ONCE = 1_000
_BEGINS = datetime(2030, 1, 1, 18, tzinfo=UTC)

_WORDS = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split()
_SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ren",
    "tos",
    "ba",
    "del",
    "vin",
    "su",
    "ra",
    "no",
    "ze",
    "fi",
    "gar",
    "mon",
    "ti",
    "el",
    "an",
    "or",
    "us",
    "ber",
    "lin",
    "sha",
    "que",
    "do",
    "pa",
)
_GENRES = ("Rock", "Pop", "Jazz", "Klassik", "Électronique", "Folk", "Metal", "Hip-Hop")
_CITIES = ("København", "Århus", "München", "Köln", "Zürich", "Paris", "London", "Göteborg", "Łódź", "東京", "Αθήνα")


def fill(model: PostgresProjection) -> None:
    """Write the programme into the read model's tables, many streams at once."""
    streams = [*_venues(), *enumerate(map(_concert, enumerate(names())), 2 * VENUES)]
    for start in range(0, len(streams), _AT_ONCE):
        model.rewrite([_rewrite(model, *stream) for stream in streams[start : start + _AT_ONCE]])
    with model.pool.transaction() as cursor:
        cursor.execute("analyze")


def names() -> list[str]:
    """Return the names of all concerts, in an order of their own."""
    random = Random(1)
    found = [artist + title for artist in ARTISTS for title in _TITLES]
    found += [f"A tribute to {artist}" for artist in ARTISTS]
    found += [_band(random) for _ in range(CONCERTS - len(found))]
    random.shuffle(found)
    return found


def _band(random: Random) -> str:
    words = random.choices(_WORDS, k=random.randint(1, 4))
    words += ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4)))] * random.randint(0, 1)
    random.shuffle(words)
    return " ".join(words).title()


def _venues() -> Iterator[tuple[int, Sequence[Event]]]:
    random = Random(2)
    for number in range(VENUES):
        place = Coordinates(latitude=random.uniform(35, 65), longitude=random.uniform(-10, 30))
        yield (
            number,
            [
                VenueCreated(
                    name=_band(random),
                    description="",
                    capacity=1_000,
                    address="",
                    city=random.choice(_CITIES),
                    country="Europe",
                    time_zone="Europe/Berlin",
                    coordinates=place,
                )
            ],
        )


def _concert(numbered: tuple[int, str]) -> Sequence[Event]:
    number, name = numbered
    starts = _BEGINS + timedelta(hours=6 * (number % 1_500))
    return [
        ConcertCreated(name=name, venue_id=UUID(int=number % VENUES), genre=_GENRES[number % len(_GENRES)]),
        ConcertScheduled(start_date=starts, end_date=starts + timedelta(hours=3)),
        ConcertPublished(),
    ]


def _rewrite(model: PostgresProjection, number: int, events: Sequence[Event]) -> Rewrite:
    stream_id = UUID(int=number)
    contents: Contents | None = None
    for version, event in enumerate(events):
        contents = model.fold(contents, RecordedEvent(stream_id, version, _BEGINS, event))
    return Rewrite(stream_id, -1, len(events) - 1, contents or {})
