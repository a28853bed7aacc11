"""Bodies that no route takes, whatever it does, and the route table to send them to."""

from collections.abc import Iterator

from chalicelib import contexts
from chalicelib.platform.http.routes import Route

SOME_ID = "7e571d00-0000-4000-8000-00000000000f"

BODIES = {
    "brackets": b"[" * 100_000,
    "objects": b'{"a":' * 12_000,
    "closed brackets": b"[" * 30_000 + b"]" * 30_000,
    "not a number": b'{"quantity": NaN, "capacity": NaN}',
    "infinity": b'{"quantity": Infinity, "capacity": -Infinity}',
    "an exponent": b'{"quantity": 1e999999999, "capacity": 1e999999999}',
    "many digits": b'{"quantity": ' + b"9" * 60_000 + b"}",
    "half of a pair": b'{"name": "\\ud800", "token": "\\udfff"}',
    "NUL": b'{"name": "\\u0000", "token": "\\u0000"}',
    "a raw NUL": b'{"name": "\x00"}',
    "a member twice": b'{"name": "a", "name": "b", "quantity": 1, "quantity": 2}',
    "a list": b"[]",
    "null": b"null",
    "text": b"garbage",
    "a form": b"name=x&quantity=1",
    "a BOM": b"\xef\xbb\xbf{}",
    "too many bytes": b" " * 65_537,
}
REFUSALS = {400, 413, 415, 422}


def routes() -> Iterator[tuple[str, str, Route[object]]]:
    """Yield method and path of every route in the table, with ids that name nothing, and the route itself."""
    for declared in contexts.routes():
        for route in declared.declared:
            path = route.path.replace("{provider}", "sandbox")
            while "{" in path:
                path = path[: path.index("{")] + SOME_ID + path[path.index("}") + 1 :]
            yield route.method, path, route


DEEP = "[" * 60 + "]" * 60
VALUES = {
    "below zero": "-1",
    "zero": "0",
    "a fraction": "1.5",
    "a number as text": '"1"',
    "a milliard": "1e9",
    "beyond 64 bits": "9223372036854775808",
    "not a number": "NaN",
    "10 kB": '"' + "x" * 10_240 + '"',
    "NUL": '"a\\u0000b"',
    "half of a pair": '"a\\ud800b"',
    "an emoji": '"🎻"',
    "from right to left": '"אבג العربية"',
    "an override of the direction": '"Anna \\u202ekcor"',
    "a script": '"<script>alert(1)</script>"',
    "a formula": '"=cmd()"',
    "a formula for spreadsheets": "\"@SUM(1+9)*cmd|' /C calc'!A0\"",
    "deep JSON": DEEP,
    "null": "null",
    "true": "true",
    "an object": "{}",
    "a member twice": '{"a": 1, "a": 2}',
}
"""Whatever can stand in a field, as it is written in JSON."""

PARAMETERS = [
    "-1",
    "0",
    "1.5",
    "1e9",
    "9223372036854775808",
    "9" * 5000,
    "NaN",
    "inf",
    "",
    " ",
    "\x00",
    "x" * 10_240,
    "🎻",
    "\u0663",
    "אבג العربية",
    "\u202ekcor",
    "\ufdfa" * 200,
    "<script>alert(1)</script>",
    "=cmd()",
    "[" * 1000,
    "1000000",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31",
]
"""Whatever can stand in a parameter of a query."""
