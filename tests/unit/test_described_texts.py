"""What the document says of a text is what the shop takes: neither more nor less."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from pydantic import TypeAdapter, ValidationError

from chalicelib.platform.http.amounts import Price
from chalicelib.platform.http.requests import Line, Text, WebUrl
from chalicelib.platform.money import MINOR_DIGITS
from chalicelib.shop.concerts.filters import Filter
from chalicelib.shop.orders.people_api import BuyerChanges
from chalicelib.shop.sales.api import Words
from tests.support.instances import document

TYPES = {
    name: TypeAdapter[str](kind)
    for name, kind in {"line": Line, "text": Text, "address": WebUrl, "filter": Filter, "words": Words}.items()
}

SIGNS = "ab5 \t\n\r\x00\x1b\x7f\x85\xa0\u2028\u200b\u202e\u2066\u00adé🎻א/:?#.$@"
texts = st.text(st.sampled_from(SIGNS), max_size=8) | st.text(max_size=8)
addresses = st.builds("{}://{}".format, st.sampled_from(["http", "https", "ftp"]), texts)


def takes(kind: TypeAdapter[Any], text: object) -> bool:
    try:
        kind.validate_python(text)
    except ValidationError as error:
        # No schema says what can be seen.
        return "something visible" in str(error)
    return True


@pytest.mark.parametrize("name", TYPES)
@settings(deadline=None)
@given(text=texts | addresses)
def test_a_text_fits_the_document_if_the_shop_takes_it(name: str, text: str) -> None:
    stripped = text.strip()
    schema = TYPES[name].json_schema()
    assert Draft202012Validator(schema).is_valid(stripped) is takes(TYPES[name], stripped), ascii(stripped)


@pytest.mark.parametrize("text", ["1", "25.00", "999999999.99", "-1", "1.", ".5", "1.001", "1e3", "٣", " 1", ""])
def test_an_amount_fits_the_document_if_the_shop_takes_it(text: str) -> None:
    schema = Price.model_json_schema()
    price = {"amount": text, "currency": "EUR"}
    is_taken = takes(TypeAdapter(Price), price)
    assert Draft202012Validator(schema).is_valid(price) is is_taken
    assert schema["properties"]["currency"]["enum"] == sorted(MINOR_DIGITS)


def test_a_change_of_nothing_does_not_fit_the_document() -> None:
    schema = BuyerChanges.model_json_schema()
    assert [Draft202012Validator(schema).is_valid(body) for body in ({}, {"name": "Other"})] == [False, True]


@pytest.mark.parametrize(
    ("body", "member"), [("NewRefund", "tickets"), ("NewMove", "tickets"), ("NewApiKey", "scopes")]
)
def test_a_list_that_names_nothing_twice_says_so(body: str, member: str) -> None:
    described = document()["components"]["schemas"][body]["properties"][member]
    kinds = described.get("anyOf", [described])
    assert kinds[0]["uniqueItems"] is True


def test_what_is_near_is_one_parameter_of_three_numbers() -> None:
    [near] = [one for one in document()["paths"]["/concerts"]["get"]["parameters"] if one.get("name") == "near"]
    assert (near["style"], near["explode"]) == ("form", False)
    check = Draft202012Validator(near["schema"])
    tried = ([55.67, 12.57, 25], [55.67, 12.57], [91, 0, 1], [0, 0, 0], [0, 0, 501], [0, 0, 1, 1])
    assert [check.is_valid(place) for place in tried] == [True, False, False, False, False, False]
