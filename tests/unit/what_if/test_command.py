"""What `ops what-if` prints of a sale, and what it refuses."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chalicelib import composition
from ops.__main__ import main
from ops.what_if import comparison
from ops.what_if.comparison import Deviation
from tests.support.request_scenario import FollowedDocuments, InMemory
from tests.support.shop import Shop, some_id
from tests.unit.what_if.sales import Visit


@pytest.fixture
def sold_concert(memory_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[UUID, UUID]]:
    """The ids of a concert and its only ticket type. Two people bought ten tickets, one of them most."""
    shop: Any = InMemory(memory_shop, FollowedDocuments())
    composition.use(shop)
    monkeypatch.setenv("COLUMNS", "80")
    concert_id, standing = memory_shop.on_sale(12)
    Visit(memory_shop, "browser").takes(standing, 5)
    memory_shop.clock.advance(timedelta(minutes=16))
    Visit(memory_shop, "scalper").buys(standing, 8)
    Visit(memory_shop, "fan").buys(standing, 2)
    yield concert_id, standing
    composition.use(None)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["what-if", *arguments]) == status
    return capsys.readouterr().out


def test_the_sale_is_shown_as_it_was_as_it_would_have_been_and_by_the_difference(
    sold_concert: tuple[UUID, UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, str(sold_concert[0]), "--hold-minutes", "8", "--max-per-customer", "2")
    head, _, table = out.partition("\n\n")
    assert head.splitlines()[1:] == [
        "Replayed as it was, it comes to the same, in all 8 events of its pools.",
        "What if: tickets held for 8 minutes, at most 2 a customer?",
    ]
    assert table.splitlines()[:13] == [
        "The sale",
        "                                      as it was  what if  difference",
        "tickets on sale                              12       12           0",
        "tickets sold                                 10        4          -6",
        "tickets left at the end                       2        8          +6",
        "customers with tickets                        2        2           0",
        "most tickets of one customer                  8        2          -6",
        "that customer's share of all sold, %       80.0     50.0       -30.0",
        "tickets in holds that lapsed                  5        2          -3",
        "tickets in orders that were not paid          0        0           0",
        "tickets × minutes blocked in vain          75.0     16.0       -59.0",
        "minutes until nothing was free                –        –           –",
        "minutes to sold out                           –        –           –",
    ]
    assert "would have got fewer                       1       -6" in table
    assert "got fewer tickets, because of a limit                 2" in table
    assert "A refusal is no event." in table
    assert max(map(len, out.splitlines())) <= 80


def test_machines_get_every_number_and_who_would_have_got_what(
    sold_concert: tuple[UUID, UUID], memory_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    concert_id, standing = sold_concert
    arguments = ["--payment-minutes", "1", "--max-per-order", "4", "--capacity", "Standing=6"]
    [record] = json.loads(printed(capsys, str(concert_id), *arguments, "--json"))
    assert record["rules"] == {
        "hold_minutes": None,
        "payment_minutes": 1,
        "max_per_customer": None,
        "max_per_order": 4,
        "patience_minutes": 0,
        "capacities": {str(standing): 6},
    }
    assert (record["reproduced"], record["deviation"]) == (True, None)
    assert (record["as_it_was"]["tickets_sold"], record["what_if"]["tickets_sold"]) == (10, 6)
    assert record["what_if"]["minutes_to_sold_out"] == 16
    scalper = Visit(memory_shop, "scalper").actor.id
    assert record["customers"] == [{"customer_id": str(scalper), "as_it_was": 8, "what_if": 4}]


def test_without_other_rules_the_sale_is_only_checked(
    sold_concert: tuple[UUID, UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    [record] = json.loads(printed(capsys, str(sold_concert[0]), "--json"))
    assert record["as_it_was"] == record["what_if"]
    assert "What if: nothing were other?" in printed(capsys, str(sold_concert[0]))


def test_a_replay_that_does_not_come_to_what_happened_says_so_and_ends_with_status_1(
    sold_concert: tuple[UUID, UUID], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Deviation(some_id("pool"), 7)
    monkeypatch.setattr(comparison, "first_deviation", lambda *_: found)
    out = printed(capsys, str(sold_concert[0]), status=1)
    assert "DO NOT TRUST THIS: replayed as it was, it comes to something else." in out
    assert f"The first difference is version 7 of pool {found.pool_id}." in out
    [record] = json.loads(printed(capsys, str(sold_concert[0]), "--json", status=1))
    assert record["deviation"] == {"pool_id": str(found.pool_id), "version": 7}


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        ("Seated=3", "--capacity Seated=3 does not name one ticket type as TYPE=N; there are Standing ("),
        ("Standing", "--capacity Standing does not name one ticket type as TYPE=N; there are Standing ("),
        ("Standing=0", "--capacity Standing=0: 0 is less than 1."),
        ("Standing=many", "--capacity Standing=many: 'many' is no whole number."),
    ],
)
def test_a_capacity_that_means_nothing_is_refused(
    sold_concert: tuple[UUID, UUID], capsys: pytest.CaptureFixture[str], capacity: str, said: str
) -> None:
    assert main(["what-if", str(sold_concert[0]), "--capacity", capacity]) == 1
    assert capsys.readouterr().err.startswith(f"invalid_input: {said}")


@pytest.mark.usefixtures("sold_concert")
def test_a_sale_whose_ticket_types_share_an_area_is_refused(
    memory_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    concert_id, _, [adult, _] = memory_shop.area_on_sale(10, Adult=None, Child=3)
    Visit(memory_shop, "fan").buys(adult, 2)
    assert main(["what-if", str(concert_id)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "shares_stock: Ticket types of the concert share an area, and such a sale cannot be replayed exactly."
    ]


@pytest.mark.usefixtures("sold_concert")
def test_a_concert_that_was_never_on_sale_or_never_was_is_refused(
    memory_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody, draft = some_id("nobody"), memory_shop.draft()
    assert main(["what-if", str(nobody)]) == 1
    assert main(["what-if", str(draft)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"not_found: There is no concert {nobody}.",
        "never_on_sale: The concert was never on sale, so there is nothing to replay.",
    ]


@pytest.mark.parametrize(
    "wrong", [["--hold-minutes", "0"], ["--max-per-customer", "0"], ["--payment-minutes", "soon"], ["--patience", "-1"]]
)
def test_a_rule_is_a_number_above_zero(sold_concert: tuple[UUID, UUID], wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["what-if", str(sold_concert[0]), *wrong])
