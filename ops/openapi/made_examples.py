"""Makes examples of declared types, for what no test has recorded: each member by its name, and fit for its schema."""

import re
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

Json = dict[str, Any]

_WORDS = {
    "address": "Enghavevej 40",
    "amount": "25.00",
    "city": "København",
    "code": "CB1:6XF0A2:8VJ…",
    "concert_name": "Björk at Vega",
    "country": "Denmark",
    "currency": "DKK",
    "description": "In the round, on both floors.",
    "detail": "What is wrong, in a sentence.",
    "email": "maria@example.org",
    "event": "order.confirmed",
    "gate": "North",
    "genre": "Electronic",
    "image_url": "https://vega.example/bjork.jpg",
    "key": "cbk_6XF0A2_8VJ",
    "link": "bOaEf3TzQ2e0…",
    "name": "Björk at Vega",
    "pointer": "#/quantity",
    "provider": "sandbox",
    "public_key": "whpk_6XF0A2",
    "reason": "The wrong evening",
    "secret": "whsec_6XF0A2",
    "text": "The customer paid 50.00 DKK.",
    "ticket_type_name": "Floor",
    "time_zone": "Europe/Copenhagen",
    "token": "tok_visa",
    "url": "https://hooks.example/cloudbash",
    "venue": "Vega",
    "web_url": "https://vega.example",
}
_NUMBERS = {"quantity": 2, "version": 3, "capacity": 1550, "latitude": 55.67, "longitude": 12.54, "retry_after": 30}
_INSTANTS = {"starts_at": "2030-06-15T18:00:00.000Z", "ends_at": "2030-06-15T21:00:00.000Z"}
_INSTANT, _DAY = "2030-06-01T12:00:00.000Z", "2030-06-15"
_DIGEST = sha256(b"example").hexdigest()
_FALLBACKS = ("Floor", "example", "1", "EUR", "25.00", _INSTANT, _DIGEST, _DIGEST[:32], _DIGEST * 2, _DIGEST + "1")


class Maker:
    """Makes examples of schemas that refer to the parts of one document."""

    def __init__(self, parts: Json) -> None:
        self._parts = parts

    def of(self, schema: Json, name: str = "") -> Any:
        """Return an example; of an object, the members that it needs."""
        schema = self._parts[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0], name)
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return [self.of(schema["items"], name.removesuffix("s"))] * max(1, schema.get("minItems", 1))
            case "integer" | "number":
                return _number(schema, name)
            case "boolean":
                return schema.get("default", True)
            case "string":
                return _text(schema, name)
        return {}

    def _object(self, schema: Json) -> Json:
        needed = schema.get("required", [])
        return {name: self.of(part, name) for name, part in schema.get("properties", {}).items() if name in needed}


def _number(schema: Json, name: str) -> float:
    number: float = _NUMBERS.get(name, schema.get("default") or 1)
    least: float = schema.get("minimum", number)
    greatest: float = schema.get("maximum", max(number, least))
    return min(max(number, least), greatest)


def _text(schema: Json, name: str) -> str:
    match schema.get("format"):
        case "uuid":
            return str(uuid5(NAMESPACE_DNS, name))
        case "date-time":
            return _INSTANTS.get(name, _INSTANT)
        case "date":
            return _DAY
    words = (_WORDS.get(name), *_FALLBACKS)
    return next((word for word in words if word and re.search(schema.get("pattern", ""), word)), "")
