"""Shows the API's document at `/docs` with Swagger UI, from the files of a package: nothing is fetched from elsewhere.

Only the local server has it (ADR 60).
"""

from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path

from chalicelib.platform.http.middleware import NO_SNIFFING

PACKAGE = "swagger_ui"
FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No script but from here. Swagger UI sets styles of its own on what it draws."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Cloudbash: the API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});\n'

Shown = tuple[int, list[tuple[str, str]], bytes]


def shown_at(target: str) -> Shown | None:
    """Return status, headers and content of a page or file of the documentation, and None for any other address."""
    path = target.partition("?")[0]
    if path in {"/docs", "/docs/"}:
        return _shown("text/html; charset=utf-8", PAGE.encode())
    if path == "/docs/start.js":
        return _shown("text/javascript", START.encode())
    name = path.removeprefix("/docs/")
    if name not in FILES or name == path:
        return None
    return _shown(FILES[name], (_files() / name).read_bytes())


def _shown(kind: str, content: bytes) -> Shown:
    headers = [("Content-Type", kind), ("Content-Security-Policy", POLICY), ("Cache-Control", "no-cache"), NO_SNIFFING]
    return HTTPStatus.OK, headers, content


def _files() -> Path:
    """Find the package's files without importing its code.

    Raises FileNotFoundError if it is not installed.
    """
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"{PACKAGE} is not installed: run `make clean run`")
    return Path(found.origin).parent / "static"
