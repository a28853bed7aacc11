"""Makes JSON schemas of models and of typed dictionaries, which share their parts under `components`."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"


class Schemas:
    """Has a schema for each of the types, and the parts that they refer to."""

    def __init__(self, types: Iterable[Any]) -> None:
        wanted = list(dict.fromkeys(types))
        places: Mapping[Any, int] = {declared: place for place, declared in enumerate(wanted)}
        inputs = [(place, "validation", TypeAdapter(declared)) for declared, place in places.items()]
        found, parts = TypeAdapter.json_schemas(inputs, ref_template=_REF)  # type: ignore[arg-type]
        self._places = places
        self._found: Mapping[int, Json] = {place: _plain(schema) for (place, _), schema in found.items()}
        self.parts: Json = _plain(parts.get("$defs", {}))

    def of(self, declared: Any) -> Json:
        """Return the schema of one of the types."""
        return self._found[self._places[declared]]

    def whole(self, declared: Any) -> Json:
        """Return the schema of one of the types, and not a reference to it."""
        schema = self.of(declared)
        if "$ref" not in schema:
            return schema
        part: Json = self.parts[schema["$ref"].rpartition("/")[2]]
        return part


def _plain(schema: Any) -> Any:
    """Call a list of venues `VenueList`, and not after the type that it is made with; titles say no more than names."""
    text = json.dumps(schema)
    text = re.sub(r"\bItems_(\w+?)_(?=\")", r"\1List", text)
    return _untitled(json.loads(re.sub(r"\bItems\[(\w+)\]", r"\1List", text)))


def _untitled(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # The title of a schema is a text; a member may be called so too, and is a schema itself.
    return {name: _untitled(one) for name, one in schema.items() if not (name == "title" and isinstance(one, str))}
