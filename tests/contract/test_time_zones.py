"""The time zones that are offered are those that Python, Postgres and browsers read alike.

`python -m tests.contract.test_time_zones` writes the list.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import psycopg
import pytest

from benchmarks.own_stack import own_stack
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.requests import parse_body
from chalicelib.shop.venues.api import VenueChanges
from chalicelib.shop.venues.time_zones import AREAS, LIST, time_zones
from local.stack import Stack

NODE = shutil.which("node")
INSTANTS = [datetime(2022, 1, 1, 12, tzinfo=UTC) + day * timedelta(days=5) for day in range(73 * 4)]
"""From 2022 to 2025. Of what comes, two releases of the database may differ, because a country changes its rules."""

_OFFSETS = """
select name, array_agg(extract(epoch from at at time zone name - at at time zone 'UTC')::integer order by at) as offsets
  from unnest(%(names)s::text[]) name, unnest(%(instants)s::timestamptz[]) at
 where name = any(array(select name from pg_timezone_names))
 group by name
"""
_UNKNOWN = """
const unknown = name => { try { new Intl.DateTimeFormat('en', {timeZone: name}); return false } catch { return true } };
console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8')).filter(unknown)));
"""


def places() -> list[str]:
    """The places of the time zone database that is pinned, whatever the machine has."""
    names = files("tzdata").joinpath("zones").read_text().split()
    return sorted(name for name in names if "/" in name and name.partition("/")[0] in AREAS)


def offsets(name: str) -> list[int]:
    """As Python computes them from the pinned database."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        zone = ZoneInfo.from_file(file, key=name)
    found = (at.astimezone(zone).utcoffset() for at in INSTANTS)
    return [int(offset.total_seconds()) for offset in found if offset is not None]


def agreed(database_url: str, names: Iterable[str]) -> Iterator[str]:
    with psycopg.connect(database_url) as connection:
        in_postgres: dict[str, list[int]] = dict(
            connection.execute(_OFFSETS, {"names": list(names), "instants": INSTANTS}).fetchall()
        )
    yield from (name for name in sorted(in_postgres) if in_postgres[name] == offsets(name))


def test_the_list_has_every_place_on_which_python_and_postgres_agree(stack: Stack) -> None:
    assert sorted(time_zones()) == list(agreed(stack.environment["DATABASE_URL"], places()))
    assert len(time_zones()) > 400


@pytest.mark.skipif(NODE is None, reason="no JavaScript here to ask what browsers know")
def test_browsers_know_every_one() -> None:
    command = [str(NODE), "-e", _UNKNOWN]
    asked = subprocess.run(command, input=json.dumps(sorted(time_zones())), capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert json.loads(asked.stdout) == []


def test_postgres_reads_an_abbreviation_without_summer_time(stack: Stack) -> None:
    """So the rule has a reason."""
    assert list(agreed(stack.environment["DATABASE_URL"], ["CET", "Europe/Paris"])) == ["Europe/Paris"]


@pytest.mark.parametrize(
    "name", ["CET", "EST", "EST5EDT", "UTC", "Etc/GMT+3", "US/Eastern", "localtime", "Mars/Olympus"]
)
def test_what_is_no_place_is_refused_for_a_venue(name: str) -> None:
    with pytest.raises(InvalidInput, match="time_zone"):
        parse_body(VenueChanges, json.dumps({"time_zone": name}).encode())


if __name__ == "__main__":
    with own_stack() as running:
        LIST.write_text("\n".join(agreed(running.environment["DATABASE_URL"], places())) + "\n", encoding="ascii")
    sys.exit()
