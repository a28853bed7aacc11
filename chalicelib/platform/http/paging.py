"""Pages lists with cursors: a list is `{items, next_cursor}`, and a cursor names the last item of its page."""

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.requests import Query

DEFAULT_LIMIT = 20


class Page(Query):
    """Reads the paging parameters; `limit` is 1 to 100."""

    limit: Annotated[int, Field(ge=1, le=100)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=1000)] | None = None

    @property
    def after(self) -> list[str] | None:
        """Return the sort key of the last item seen.

        Raises:
            InvalidInput: the cursor did not come from this API.
        """
        if self.cursor is None:
            return None
        try:
            key = json.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii")))
        except ValueError:
            key = None
        if not isinstance(key, list) or not all(isinstance(part, str) and _is_text(part) for part in key):
            raise InvalidInput("The cursor did not come from this API.", (("?cursor", "did not come from this API"),))
        return key


def _is_text(part: str) -> bool:
    """Tell whether a database can store the text: half of a surrogate pair passes JSON, and no database takes it."""
    return part.isprintable()


def page_of(items: Sequence[Any], next_key: Sequence[str] | None) -> dict[str, Any]:
    """Build one page; `next_key` is the sort key of the last item, or None on the last page."""
    cursor = None if next_key is None else base64.urlsafe_b64encode(json.dumps(list(next_key)).encode()).decode()
    return {"items": list(items), "next_cursor": cursor}
