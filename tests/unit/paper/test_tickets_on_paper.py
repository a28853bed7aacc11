"""A ticket on paper: what it says, in every script that names come in, and that it can be read aloud and scanned."""

from io import BytesIO
from itertools import product
from typing import Any

import page as validator
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.paper.letters import MISSING
from chalicelib.shop.orders.paper.pages import pages_of
from chalicelib.shop.orders.paper.printing import print_pages
from chalicelib.shop.orders.paper.texts import LANGUAGES
from tests.support.documents import rendered_pages, texts_of
from tests.support.faces import FACE, VENUE, a_face

NAMES = {
    "Latin": "Björk Guðmundsdóttir Łukasz Nguyễn",
    "Greek": "Ελένη Φωτεινού",
    "Cyrillic": "Жанна Агузарова",
    "Arabic": "محمد بن عبد الله",
    "Hebrew": "דוד בן־גוריון",
    "Japanese": "山田太郎 さくら",
    "Chinese, simplified": "王小明",
    "Chinese, traditional": "鄧麗君",
    "Korean": "김민수",
    "Devanagari": "अनन्या शर्मा क्षत्रिय",
    "Bengali": "অনন্যা শর্মা",
    "Tamil": "இளையராஜா",
    "Thai": "ณัฐวุฒิ ใจดี",
    "emoji": "Zoë 😀🚀 👨‍👩‍👧 ❤️ 🤘🏽",
}


def printed(*faces: TicketFace, language: str = "en") -> bytes:
    return print_pages(pages_of(faces, language))


def squeezed(text: str) -> str:
    """Without blanks, which are positions and not letters where a script changes."""
    return "".join(text.split())


@pytest.mark.parametrize("script", NAMES)
def test_a_name_is_printed_as_it_was_given_in_every_script(script: str) -> None:
    document = printed(a_face(holder=NAMES[script], concert_name=f"Live: {NAMES[script]}"))
    [text] = texts_of(document)
    assert squeezed(text).count(squeezed(NAMES[script])) == 2
    assert MISSING not in text
    assert is_accessible(document)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tickets_pass_a_validator_of_pdf_ua(language: str) -> None:
    document = printed(*(a_face(holder=name, concert_name=name) for name in NAMES.values()), language=language)
    report = validator.validate_pdf_bytes(document, profile=validator.ValidationProfile.PDF_UA_1)
    assert report.rules.passed > 100
    assert [(failure.rule_id, failure.message) for failure in report.failures] == []


def is_accessible(document: bytes) -> bool:
    return validator.is_pdf_compliant_bytes(document, profile=validator.ValidationProfile.PDF_UA_1)


def test_a_validator_of_pdf_ua_refuses_a_document_without_tags() -> None:
    assert not is_accessible(printed(FACE).replace(b"/Marked true", b"/Marked null"))


def test_a_document_has_a_title_a_language_headings_and_a_text_instead_of_each_picture() -> None:
    reader = PdfReader(BytesIO(printed(FACE, a_face(concert_name="Björk"), language="nl")))
    root: Any = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"], root["/ViewerPreferences"]["/DisplayDocTitle"]) == (
        "nl",
        True,
        True,
    )
    assert reader.metadata is not None
    assert reader.metadata.title == "Tickets: Patti Smith, Björk"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_object().get_data()
    elements = list(elements_of(root["/StructTreeRoot"]))
    assert [one["/S"] for one in elements if str(one["/S"]).startswith("/H")] == ["/H1", "/H1"]
    assert [one["/Alt"] for one in elements if one["/S"] == "/Figure"] == [
        f"QR-code die de deur opent naar {concert}; laat hem scannen bij de ingang."
        for concert in ("Patti Smith", "Björk")
    ]


def elements_of(element: Any) -> Any:
    children = element.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        found = child.get_object() if hasattr(child, "get_object") else child
        if isinstance(found, dict) and "/S" in found:
            yield found
            yield from elements_of(found)


def test_every_font_is_embedded_and_no_glyph_means_nothing() -> None:
    reader = PdfReader(BytesIO(printed(*(a_face(holder=name) for name in NAMES.values()))))
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    descriptors = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    assert all("/FontFile2" in descriptor or "/FontFile3" in descriptor for descriptor in descriptors)
    assert all("/ToUnicode" in font for font in fonts)


def test_a_decoder_that_is_not_ours_reads_the_code_of_each_page() -> None:
    codes = [FACE.code, FACE.code[::-1], FACE.code.replace("6", "7")]
    pages = rendered_pages(printed(*(a_face(code=code) for code in codes)))
    found = [zxingcpp.read_barcodes(page) for page in pages]
    assert [[one.text for one in page] for page in found] == [[code] for code in codes]


def test_the_code_is_large_and_has_its_quiet_zone_around_it() -> None:
    [page] = rendered_pages(printed(FACE))
    [found] = zxingcpp.read_barcodes(page)
    corner, opposite = found.position.top_left, found.position.bottom_right
    module = (opposite.x - corner.x) / 49
    assert module / 150 * 25.4 > 1.2  # millimetres
    left, top, right, bottom = (
        round(value)
        for value in (corner.x - 4 * module, corner.y - 4 * module, opposite.x + 4 * module, opposite.y + 4 * module)
    )
    inside = page[top:bottom, left:right].copy()
    margin = round(3.5 * module)
    inside[margin:-margin, margin:-margin] = 255
    assert (inside > 200).all()


MARKUP = [
    '#import "x"',
    "*bold* _it_ $x^2$",
    "= Heading",
    '"); #panic("x")',
    "\\u{41} `raw` <label> @ref",
    "// gone",
    "#[x",
]


@pytest.mark.parametrize("text", MARKUP)
def test_a_name_cannot_be_markup(text: str) -> None:
    venue = VENUE.model_copy(update={"name": text, "address": text, "city": text})
    face = a_face(holder=text, concert_name=text, ticket_type_name=text, venue=venue)
    [said] = texts_of(printed(face))
    assert squeezed(said).count(squeezed(text)) == 6


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=60), st.text(max_size=200))
def test_whatever_was_stored_is_printed_on_one_page(holder: str, concert: str) -> None:
    document = printed(a_face(holder=holder, concert_name=concert or "x"))
    assert is_accessible(document)
    assert len(texts_of(document)) == 1


def test_letters_that_no_font_has_are_marked_and_the_others_are_printed() -> None:
    [text] = texts_of(printed(a_face(holder="Runa ᚠᚢ \0\ue000\ufeff Jones")))
    assert "Runa ¤¤ ¤¤ Jones" in text


def test_the_longest_texts_leave_everything_on_its_page() -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff " * 6
    venue = VENUE.model_copy(update={"name": long[:200], "address": long[:200], "city": long[:100]})
    face = a_face(concert_name=long[:200], holder=long[:200], ticket_type_name=long[:200], venue=venue)
    pages = rendered_pages(printed(face, face))
    assert len(pages) == 2
    assert [len(zxingcpp.read_barcodes(page)) for page in pages] == [1, 1]


def test_a_ticket_says_when_and_where_at_the_clock_of_the_venue_and_in_the_language() -> None:
    [english] = texts_of(printed(FACE))
    assert "Thursday 31 December 2026 20:30 to 23:00 local time, Europe/Amsterdam" in english
    [dutch] = texts_of(printed(FACE, language="nl"))
    assert "donderdag 31 december 2026 20:30 tot 23:00 plaatselijke tijd, Europe/Amsterdam" in dutch
    tokyo = VENUE.model_copy(update={"time_zone": "Asia/Tokyo"})
    assert "Friday 1 January 2027 04:30 to 07:00" in texts_of(printed(a_face(venue=tokyo)))[0]


def test_a_ticket_shows_its_facts_and_leaves_out_what_nobody_knows() -> None:
    [text] = texts_of(printed(FACE))
    for fact in ("Standing", "Carla Jones", "EUR 25.00", str(FACE.order_id), str(FACE.ticket_id), "TivoliVredenburg"):
        assert fact in text, fact
    [bare] = texts_of(printed(a_face(holder=None, price=None, venue=None, starts_at=None, ends_at=None)))
    assert "Postponed" in bare
    assert not [label for label in ("Name", "Price", "local time") if label in bare]


def test_the_languages_have_the_same_texts_with_the_same_facts() -> None:
    for (_, one), (_, other) in product(LANGUAGES.items(), repeat=2):
        assert one.TEXTS.keys() == other.TEXTS.keys()
        assert (len(one.DAYS), len(one.MONTHS)) == (7, 12)
        for key, text in one.TEXTS.items():
            assert {part.split("}")[0] for part in text.split("{")[1:]} == {
                part.split("}")[0] for part in other.TEXTS[key].split("{")[1:]
            }
