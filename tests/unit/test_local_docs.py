"""The local server shows the API's document with Swagger UI, and with nothing from elsewhere."""

import re

import pytest

from local import docs


def shown(target: str) -> tuple[dict[str, str], str]:
    found = docs.shown_at(target)
    assert found is not None
    status, headers, content = found
    assert status == 200
    return dict(headers), content.decode()


def test_the_page_asks_for_nothing_but_what_the_server_has() -> None:
    _, page = shown("/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        assert shown(address)[1]


def test_no_script_is_in_the_page() -> None:
    headers, page = shown("/docs?x=1")
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["", ""]
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "connect-src 'self';" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "target", ["/docs/../secret", "/docs/index.html", "/docsx", "/", "/swagger-ui.css", "/openapi.json"]
)
def test_no_other_address_is_taken_for_the_documentation(target: str) -> None:
    assert docs.shown_at(target) is None
