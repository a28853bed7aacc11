"""The API's document is what the code says, and every route declares all of it."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib.platform.http.answers import Answer
from chalicelib.platform.http.routes import Route
from ops.openapi import document, pages
from ops.openapi.declarations import answers_of, routes
from ops.openapi.links import LINKS
from ops.openapi.refusals import codes_of, refusals

ROUTES = list(routes())


def named(route: Route[Any]) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize(
    ("place", "render"),
    [(document.PLACE, document.render), (pages.ERRORS, pages.errors), (pages.ROUTES, pages.reference)],
    ids=["openapi.json", "errors.md", "api.md"],
)
def test_the_document_and_its_pages_are_what_the_code_says(place: Path, render: Callable[[], str]) -> None:
    is_current = place.read_text() == render()
    assert is_current, f"run `.venv/bin/python -m ops openapi`, and commit {place.name}"


def test_the_document_is_valid() -> None:
    built: Any = document.build()
    OpenAPIV31SpecValidator(built).validate()


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_declares_its_answers(route: Route[Any]) -> None:
    for declared in answers_of(route):
        assert declared.kind is not Answer, "say which answer: Ok, Tagged, Created, Accepted, NoContent or a file"
        assert declared.content is not Any


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_says_what_it_does(route: Route[Any]) -> None:
    first, _, _ = inspect.cleandoc(route.handler.__doc__ or "").partition("\n\n")
    assert first.endswith(".")
    assert len(first.split()) <= 20


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_refuses_with_codes_that_errors_have(route: Route[Any]) -> None:
    assert set(codes_of(route)) <= refusals().keys()
    assert len(set(route.refuses)) == len(route.refuses)


def test_every_link_leads_from_what_is_answered_to_all_that_is_asked_for() -> None:
    paths, schemas = document.build()["paths"], document.build()["components"]["schemas"]
    operations = {one["operationId"]: one for methods in paths.values() for one in methods.values()}
    assert set(LINKS) <= set(operations)
    for operation in operations.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                asked = [one for one in operations[link["operationId"]]["parameters"] if one.get("in") == "path"]
                assert {one["name"] for one in asked} == set(link["parameters"])
                content = answer["content"]["application/json"]["schema"]
                [known] = content.get("anyOf", [content])[:1]
                for source in link["parameters"].values():
                    place, _, name = source.rpartition("/" if "#" in source else ".")
                    is_answered = name in schemas[known["$ref"].rpartition("/")[2]]["properties"]
                    assert is_answered if place == "$response.body#" else place == "$request.path"


def test_every_refusal_for_asking_too_often_says_when_to_come_back_and_which_limit_was_reached() -> None:
    built = document.build()
    for methods in built["paths"].values():
        for operation in methods.values():
            _, _, _, name = operation["responses"]["429"]["$ref"].split("/")
            headers = built["components"]["responses"][name]["headers"]
            assert headers.keys() == {"Retry-After", "RateLimit", "RateLimit-Policy"}


def test_no_two_handlers_have_one_name() -> None:
    names = [route.handler.__name__ for route in ROUTES]
    assert sorted(set(names)) == sorted(names)


def test_no_two_answers_or_bodies_have_one_name() -> None:
    assert [name for name in document.build()["components"]["schemas"] if "__" in name] == []


def test_a_default_of_an_edit_is_not_taken_for_what_would_be_stored() -> None:
    schemas = document.build()["components"]["schemas"]
    for name in ("ConcertChanges", "VenueChanges", "TicketTypeChanges", "VenueDescription", "BuyerChanges"):
        assert '"default"' not in json.dumps(schemas[name])
