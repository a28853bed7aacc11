"""Pages lists with cursors: a list is `{items, next_cursor}`, and a cursor names the last item of its page.

A cursor is a JSON list of texts in base64url. It holds nothing but a place in the order of a list that its reader may
read, so it is not signed: whoever makes one up gets the items after that place.
"""

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic_core import from_json

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.requests import Query

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Item, Items

DEFAULT_LIMIT = 20
LONGEST_CURSOR = 2000
"""The longest key is 200 characters of at most six bytes each, an id, and the signs of JSON: 1,660 in base64."""


class Cursor(Query):
    """Reads the place in a list whose pages are as long as they can be."""

    cursor: Annotated[str, Field(max_length=LONGEST_CURSOR)] | None = None

    @property
    def after(self) -> list[str] | None:
        """Return the sort key of the last item seen.

        Raises:
            InvalidInput: the cursor did not come from this API.
        """
        return None if self.cursor is None else _key_in(self.cursor)


class Page(Cursor):
    """Reads the paging parameters; `limit` is 1 to 100."""

    limit: Annotated[int, Field(ge=1, le=100)] = DEFAULT_LIMIT


def page_of(items: "Sequence[Item]", next_key: Sequence[str] | None) -> "Items[Item]":
    """Build one page; `next_key` is the sort key of the last item, or None on the last page."""
    return {"items": list(items), "next_cursor": cursor_of(next_key)}


def cursor_of(next_key: Sequence[str] | None) -> str | None:
    return None if next_key is None else _cursor_of(next_key)


def bad_cursor() -> InvalidInput:
    return InvalidInput("The cursor did not come from this API.", (("?cursor", "did not come from this API"),))


def _cursor_of(key: Sequence[str]) -> str:
    text = json.dumps(list(key), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _key_in(cursor: str) -> list[str]:
    """Return the sort key in a cursor.

    Raises InvalidInput for what is not a list of texts that a store can hold: any but NUL, and no half of a pair.
    """
    try:
        key = from_json(base64.b64decode(cursor, altchars=b"-_", validate=True), allow_inf_nan=False)
    except ValueError:
        raise bad_cursor() from None
    if not isinstance(key, list) or not all(isinstance(part, str) and "\0" not in part for part in key):
        raise bad_cursor()
    return key
