"""What buyers read: text and HTML of the same letter, in their language, whatever names are in it."""

import re
from importlib import import_module
from string import Formatter
from uuid import UUID

import pytest

from chalicelib.platform.http.languages import LANGUAGES, preferred_language
from chalicelib.platform.mail.message import MailUnwritable, OutgoingMail, to_bytes
from chalicelib.platform.money import Money
from chalicelib.shop.mails.letters import Button, Fact, Letter, Section
from chalicelib.shop.mails.rendering import render
from chalicelib.shop.mails.words import Words
from tests.support.mailed import Mailed
from tests.support.stored import SOME_TIME

ID = UUID("5e77e4d0-0000-4000-8000-000000000001")
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}{name}\r\nBcc: everybody@example.org\n\n\N{RIGHT-TO-LEFT OVERRIDE}'


def outgoing(**changes: object) -> OutgoingMail:
    known: dict[str, object] = {
        "id": ID,
        "key": str(ID),
        "sender_name": "Cloudbash",
        "sender_address": "tickets@cloudbash.example",
        "name": "Carla Jones",
        "address": "carla@example.org",
        "language": "en",
        "subject": "Your tickets",
        "text": "text",
        "html": "<p>html</p>",
    }
    return OutgoingMail(**(known | changes))  # type: ignore[arg-type]


def texts_of(language: str) -> dict[str, str]:
    texts: dict[str, str] = import_module(f"chalicelib.shop.mails.texts.{language}").TEXTS
    return texts


def places_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    ours, theirs = texts_of(LANGUAGES[0]), texts_of(language)
    assert theirs.keys() == ours.keys()
    assert {name: places_in(text) for name, text in theirs.items()} == {name: places_in(ours[name]) for name in ours}
    module = import_module(f"chalicelib.shop.mails.texts.{language}")
    assert (len(module.WEEKDAYS), len(module.MONTHS)) == (7, 12)


@pytest.mark.parametrize(
    ("language", "instant", "amount"),
    [
        ("en", "Tuesday 1 January 2030, 13:00", "EUR\N{NO-BREAK SPACE}1250.50"),
        ("nl", "dinsdag 1 januari 2030, 13:00", "EUR\N{NO-BREAK SPACE}1250,50"),
        (None, "Tuesday 1 January 2030, 13:00", "EUR\N{NO-BREAK SPACE}1250.50"),
        ("tlh", "Tuesday 1 January 2030, 13:00", "EUR\N{NO-BREAK SPACE}1250.50"),
    ],
)
def test_instants_and_amounts_are_written_as_in_the_language(language: str | None, instant: str, amount: str) -> None:
    words = Words(language)
    assert words.instant(SOME_TIME, "Europe/Amsterdam") == instant
    assert words.amount(Money.of("1250.50", "EUR")) == amount


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("en-GB;q=0.5, nl;q=0.6", "nl"),
        ("nl;q=0, en", "en"),
        ("NL", "nl"),
        ("de, fr;q=0.9", None),
        ("*", None),
        ("", None),
        ("nl;q=nan, \x00", None),
        ("a," * 10_000 + "nl", None),
    ],
)
def test_the_language_is_the_one_that_a_browser_prefers_of_those_that_we_write(
    header: str, language: str | None
) -> None:
    assert preferred_language(header) == language


@pytest.mark.parametrize(
    ("language", "subject"), [("nl", "Je tickets voor Patti Smith"), (None, "Your tickets for Patti Smith")]
)
def test_a_buyer_is_written_to_in_the_language_of_the_order(language: str | None, subject: str) -> None:
    mailed = Mailed()
    mailed.bought(language=language)
    mailed.deliver()
    assert mailed.subjects == [subject]
    assert mailed.parsed()["Content-Language"] == (language or "en")


def test_a_confirmation_says_what_was_bought_for_when_and_where_and_leads_to_the_order() -> None:
    mailed = Mailed()
    order_id = mailed.bought(quantity=2)
    mailed.deliver()
    parsed = mailed.parsed()
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    for content in (text.get_content(), html.get_content()):
        for said in (
            "Hello Carla Jones",
            "Patti Smith",
            "2 × Standing",
            "Thursday 31 January 2030, 13:00",
            "Paradiso, Weteringschans 6, Amsterdam",
            "EUR\N{NO-BREAK SPACE}50.00",
            f"https://tickets.example/orders/{order_id}",
        ):
            assert said in content, said
    assert parsed["To"] == "Carla Jones <carla@example.org>"
    assert parsed["From"] == "Cloudbash <tickets@cloudbash.example>"
    assert "List-Unsubscribe" not in parsed, "nobody can do without it"


def test_names_cannot_add_markup_headers_or_addressees() -> None:
    letter = Letter("en", HOSTILE, (HOSTILE,), (Section(HOSTILE, (Fact(HOSTILE, HOSTILE),)),), Button(HOSTILE, HOSTILE))
    rendered = render(letter, HOSTILE, HOSTILE)
    assert "<script" not in rendered.html
    assert "49" not in rendered.html + rendered.text, "nothing of a name is a template"
    assert re.findall(r'href="([^"]*)"', rendered.html) == [_escaped(HOSTILE)]
    mail = outgoing(name=HOSTILE, sender_name=HOSTILE, subject=HOSTILE, text=rendered.text, html=rendered.html)
    head = to_bytes(mail, SOME_TIME).partition(b"\r\n\r\n")[0].decode()
    names = {line.partition(":")[0] for line in head.split("\r\n") if line[:1].strip()}
    assert names == {
        "From",
        "To",
        "Subject",
        "Date",
        "Content-Language",
        "Auto-Submitted",
        "X-Cloudbash-Mail",
        "MIME-Version",
        "Content-Type",
    }


def _escaped(text: str) -> str:
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;")):
        text = text.replace(sign, written)
    return text


@pytest.mark.parametrize("name", ["Ünïcödé Çelik", "山田太郎", "محمد", 'O\'Brien, "Bob" <x@y.z>', "😀" * 300])
def test_any_name_is_written_so_that_a_mail_program_reads_one_addressee(name: str) -> None:
    mailed = Mailed()
    mailed.box.taken.append((outgoing(), to_bytes(outgoing(name=name), SOME_TIME)))
    [addressee] = mailed.parsed()["To"].addresses
    assert addressee.addr_spec == "carla@example.org"
    # Python folds what is longer than a line of a mail, and reads a blank where it did.
    assert addressee.display_name.replace(" ", "")[:20] == name.replace(" ", "")[:20]


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: c@d", "a b@c.d", "a@b, c@d", "<a@b>"])
def test_what_is_no_address_is_never_written_to(address: str) -> None:
    with pytest.raises(MailUnwritable):
        to_bytes(outgoing(address=address), SOME_TIME)
