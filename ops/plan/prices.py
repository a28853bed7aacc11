"""Reads the prices of one region, each with its date and its source.

`listed` ones stand in AWS's price list as it was published on that day, under that usage type. The others are those of
AWS's pricing pages as they were remembered, and not verified since. No free tier is taken off, and no tax added.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.platform.errors import InvalidInput

FOLDER = Path(__file__).with_name("prices")
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Holds a price in US dollars a unit; a unit may be a million."""

    usd: float
    unit: str
    known_on: str
    listed: bool
    source: str
    usage: str

    @property
    def each(self) -> float:
        """Return the price of one request, GB or hour."""
        return self.usd / MILLION if self.unit.startswith("million") else self.usd


@dataclass(frozen=True)
class Prices:
    region: str
    table: Mapping[str, Price]

    def __getitem__(self, name: str) -> Price:
        return self.table[name]

    def cost(self, name: str, quantity: float) -> float:
        return self.table[name].each * quantity

    @property
    def oldest(self) -> str:
        return min(price.known_on for price in self.table.values())

    @property
    def unlisted(self) -> list[str]:
        return sorted(name for name, price in self.table.items() if not price.listed)


def prices_of(region: str) -> Prices:
    """Return the prices of a region.

    Raises:
        InvalidInput: there is no table for the region.
    """
    file = FOLDER / f"{region}.json"
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    if region not in known:
        raise InvalidInput(f"--region: there are prices for {', '.join(known)} only; add others to {FOLDER.name}/.")
    return Prices(region, {name: Price(**price) for name, price in json.loads(file.read_text()).items()})
