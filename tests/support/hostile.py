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
