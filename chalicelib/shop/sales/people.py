"""Opens the sealed names of buyers, and searches them.

The sales hold names in their envelopes only, so a search opens those of one stretch of a list after another (ADR 51).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.search.letters import plain, spellings

if TYPE_CHECKING:
    from chalicelib.shop.sales.answers import SoldTo

OpenAll = Callable[[Sequence[Sealed]], list[dict[str, str] | None]]
"""Opens envelopes, all at once; None for a person who is erased. May raise Unavailable."""

SEARCHED = 500
"""So many rows of a list one request searches at most, and opens the names of."""

Row = Mapping[str, Any]


def buyers_of(rows: Sequence[Row], open_all: OpenAll) -> "list[SoldTo | None]":
    """Return the buyer of each row: None once the person is erased. Each envelope is opened once."""
    texts = list(dict.fromkeys(row["buyer"] for row in rows if row["buyer"] is not None))
    opened = dict(zip(texts, open_all([Sealed.model_validate_json(text) for text in texts]), strict=True))
    return [cast("SoldTo | None", opened.get(row["buyer"])) for row in rows]


def words_of(text: str) -> list[str]:
    """Return the words of a search as they are compared: without case and accents."""
    return plain(text).split()


def is_found(buyer: "SoldTo | None", words: Sequence[str]) -> bool:
    """Tell whether every word is part of the name or of the e-mail address."""
    if buyer is None:
        return False
    text = " ".join(spellings(" ".join(map(str, buyer.values()))))
    return all(word in text for word in words)
