"""The parts of an order's tickets, the language that they are in, and the way to the function that prints them."""

import json
from io import BytesIO
from typing import Any

import pytest

from chalicelib.platform.aws import invoking
from chalicelib.platform.errors import InvalidInput, Unavailable
from chalicelib.shop.orders.paper.languages import LanguageQuery, preferred
from chalicelib.shop.orders.paper.parts import MOST_CONCERTS, part_of
from chalicelib.shop.orders.paper.port import PaperElsewhere, PaperHere, job_of, print_job
from tests.support.documents import texts_of
from tests.support.faces import FACE, a_face


def tickets(*concerts: str) -> list[Any]:
    return [{"id": str(number), "concert_id": concert} for number, concert in enumerate(concerts)]


def parts(of: list[Any], most: int) -> list[list[str]]:
    found, after = [], None
    while True:
        part, after = part_of(of, after, most)
        found.append([ticket["id"] for ticket in part])
        if after is None:
            return found


def test_every_ticket_is_in_one_part_concert_by_concert() -> None:
    assert parts(tickets("a", "b", "a", "b", "a"), 2) == [["0", "2"], ["4", "1"], ["3"]]
    assert parts(tickets(*"abcde"), 50) == [["0", "1"], ["2", "3"], ["4"]]
    assert MOST_CONCERTS == 2
    assert parts([], 50) == [[]]


@pytest.mark.parametrize("after", [["x"], ["-1"], ["0"], ["5"], ["1", "1"], [], ["9" * 50], ["١"]])
def test_a_key_that_no_part_has_given_is_refused(after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        part_of(tickets("a", "a", "b"), after, 1)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("nl", "nl"),
        ("nl-BE,en;q=0.8", "nl"),
        ("de, nl;q=0.3, en;q=0.5", "en"),
        ("fr, NL;q=0.1", "nl"),
        ("nl;q=0, de", "en"),
        ("nl;q=high", "en"),
        (";;;,,,=", "en"),
    ],
)
def test_the_language_is_the_one_of_ours_that_the_browser_prefers(header: str, language: str) -> None:
    assert preferred(header) == language
    assert LanguageQuery(language="nl").chosen({"accept-language": header}) == "nl"


def test_another_function_is_told_all_that_it_prints_and_nothing_else() -> None:
    asked: list[dict[str, Any]] = []

    def invoke(job: dict[str, Any]) -> dict[str, Any]:
        asked.append(job)
        return print_job(job)

    bare = a_face(holder=None, venue=None, price=None, starts_at=None, ends_at=None)
    elsewhere = PaperElsewhere(invoke).tickets_pdf([FACE, bare], "nl")
    assert texts_of(elsewhere) == texts_of(PaperHere().tickets_pdf([FACE, bare], "nl"))
    assert asked == [job_of([FACE, bare], "nl")]


class Lambda:
    """Answers as the SDK does."""

    def __init__(self, content: dict[str, Any], **more: str) -> None:
        self.answer, self.asked = {"Payload": BytesIO(json.dumps(content).encode()), **more}, dict[str, Any]()

    def invoke(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self.answer


def invoker_of(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> invoking.Invoker:
    monkeypatch.setattr(invoking, "make_client", lambda *_: function)
    return invoking.Invoker("cloudbash-test-print-tickets", "The printer")


def test_another_function_is_called_by_its_name_with_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Lambda({"pdf": "JVBERi0="})
    assert PaperElsewhere(invoker_of(function, monkeypatch)).tickets_pdf([FACE], "en") == b"%PDF-"
    assert function.asked["FunctionName"] == "cloudbash-test-print-tickets"
    assert json.loads(function.asked["Payload"]) == job_of([FACE], "en")


def test_a_function_that_failed_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Lambda({"errorMessage": "PrintingFailed"}, FunctionError="Unhandled")
    with pytest.raises(Unavailable):
        PaperElsewhere(invoker_of(function, monkeypatch)).tickets_pdf([FACE], "en")


def test_a_printer_that_is_away_is_unavailable() -> None:
    def away(_: object) -> dict[str, Any]:
        raise Unavailable("The printer is away.")

    with pytest.raises(Unavailable):
        PaperElsewhere(away).tickets_pdf([FACE], "en")
