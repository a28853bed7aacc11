"""Turns a letter into text and HTML; whatever it says is escaped in HTML, and is a plain line in text."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.shop.mails.letters import Button, Letter
from chalicelib.shop.mails.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

LAYOUTS = Path(__file__).with_name("layouts")


class Rendered(NamedTuple):
    text: str
    html: str


def render(letter: Letter, name: str, sender: str, unsubscribe_url: str = "") -> Rendered:
    """Render a letter to somebody of this name, which may be empty."""
    words = Words(letter.language)
    contents: dict[str, Any] = {
        "letter": letter,
        "greeting": words("greeting", name=name) if name else words("greeting_nobody"),
        "sender": sender,
        "unsubscribe": Button(words("unsubscribe"), unsubscribe_url) if unsubscribe_url else None,
    }
    return Rendered(*(_layouts().get_template(f"letter.{kind}").render(contents) for kind in ("txt", "html")))


@cache
def _layouts() -> "Environment":
    """Make the environment; only the mailer has the library."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415

    return Environment(
        loader=FileSystemLoader(LAYOUTS),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
