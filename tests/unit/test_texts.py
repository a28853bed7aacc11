"""Text that looks like other text: nothing visible, reordering, a blank after an address."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.requests import Body, Line, Text, parse_body

NOTHING_VISIBLE = [
    "\u200b",
    "\u200d\u200c",
    "\u2060",
    "\u2800",
    "\u3164\u115f",
    "\u00ad\u034f",
    "\ufe0f",
    "\u0301",
    "\ue000",
]
REORDERING = ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"]


class Note(Body):
    line: Line = "x"
    text: Text = ""
    email: EmailAddress = "a@example.org"


def note(**members: Any) -> Note:
    return parse_body(Note, json.dumps(members).encode())


def reason(**members: Any) -> str:
    with pytest.raises(InvalidInput) as refusal:
        note(**members)
    ((pointer, text),) = refusal.value.fields
    assert pointer == f"#/{next(iter(members))}"
    return text


@pytest.mark.parametrize("member", ["line", "text"])
@pytest.mark.parametrize("text", NOTHING_VISIBLE, ids=ascii)
def test_a_text_that_shows_nothing_is_refused(member: str, text: str) -> None:
    assert reason(**{member: text}) == "must contain something visible"
    assert getattr(note(**{member: f"{text}Anna"}), member) == f"{text}Anna"


def test_a_longer_text_may_be_empty() -> None:
    assert note(text="").text == note(text=" \n ").text == ""


@pytest.mark.parametrize("member", ["line", "text"])
@pytest.mark.parametrize("control", REORDERING, ids=ascii)
def test_a_text_that_reorders_its_neighbours_is_refused(member: str, control: str) -> None:
    assert reason(**{member: f"Anna {control}kcor"}) == "must not contain controls of the direction of writing"


NAMES = [
    "\u0645\u06cc\u200c\u062e\u0627\u0646\u0647",
    "\u200f\u05e9\u05dc\u05d5\u05dd",
    "\U0001f468\u200d\U0001f469 Club",
    "e\u0301",
    "\u0e01",
    "!!!",
    "P!nk",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_as_people_write_them_are_taken_as_they_are(name: str) -> None:
    assert note(line=name).line == name


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_whatever_is_taken_shows_something_and_moves_nothing(text: str) -> None:
    try:
        taken = note(line=text).line
    except InvalidInput:
        return
    assert any(character.isprintable() and not character.isspace() for character in taken)
    assert not set(taken) & set(REORDERING)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a@example.org ", "a@example.org"),
        ("\ta@example.org\n", "a@example.org"),
        ("Anna.B+tickets@EXAMPLE.org", "Anna.B+tickets@example.org"),
        ("gu\u00f0run@ex\u00e4mple.is", "gu\u00f0run@ex\u00e4mple.is"),
    ],
)
def test_an_address_is_trimmed_and_kept(sent: str, kept: str) -> None:
    assert note(email=sent).email == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        "a b@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a@example..org",
        "a@-example.org",
        "a@[127.0.0.1]",
        "Anna <a@example.org>",
        "a@example.org,b@example.org",
        "a\u202eb@example.org",
        "a\u200b@example.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.org",
    ],
    ids=ascii,
)
def test_what_nobody_can_write_to_is_refused(address: str) -> None:
    assert reason(email=address)


def test_a_container_that_checks_no_address_does_not_load_the_library() -> None:
    """Nor does one that does load what would ask for domains."""
    code = (
        "import sys, app; print('email_validator' in sys.modules);"
        "from chalicelib.platform.http import emails; emails._email('a@example.org'); print('dns' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (run.stdout.split(), run.stderr) == (["False", "False"], "")
