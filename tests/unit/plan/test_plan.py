"""The plan as a whole: it never gets cheaper with more buyers, and what it says is what its figures are."""

import json
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.__main__ import main
from ops.plan import bill
from ops.plan.buses import buses_of
from ops.plan.demand import OnSale
from ops.plan.load import Load
from ops.plan.measured import measured
from ops.plan.outlook import Plan
from ops.plan.prices import prices_of
from ops.plan.timings import Timings

PRICES = prices_of("eu-west-1")
BIG = OnSale(80_000, 1_000_000, 10)
sales = st.builds(
    OnSale,
    tickets=st.integers(1, 500_000),
    buyers=st.integers(1, 5_000_000),
    minutes=st.floats(1, 600),
    rush=st.floats(1, 20),
    abandoned=st.floats(0, 0.9),
)


def planned(sale: OnSale) -> Plan:
    return Plan(Load(sale, Timings(), measured()), PRICES, 1_000)


@given(sales, st.integers(1, 1_000_000))
def test_more_buyers_are_never_cheaper(sale: OnSale, more: int) -> None:
    fewer, all_ = planned(sale), planned(replace(sale, buyers=sale.buyers + more))
    for line, larger in zip(fewer.on_sale, all_.on_sale, strict=True):
        assert line.usd <= larger.usd * (1 + 1e-9), line.what


@given(sales, st.integers(1, 100_000))
def test_more_tickets_never_have_fewer_pools(sale: OnSale, more: int) -> None:
    assert planned(sale).load.pools <= planned(replace(sale, tickets=sale.tickets + more)).load.pools


@given(sales, st.integers(1, 1_000_000))
def test_more_buyers_never_need_less(sale: OnSale, more: int) -> None:
    larger = replace(sale, buyers=sale.buyers + more)
    if not sale.sells_out:
        return
    for limit, beside in zip(planned(sale).limits, planned(larger).limits, strict=True):
        if "shards" not in limit.name:
            assert limit.needed <= beside.needed * (1 + 1e-9), limit.name


@given(sales)
def test_raised_quotas_never_make_it_slower_and_no_more_is_sold_than_there_is(sale: OnSale) -> None:
    plan = planned(sale)
    assert plan.last_ticket(raised=True) <= plan.last_ticket(raised=False)
    assert plan.tickets_sold <= sale.tickets
    assert (plan.last_ticket(raised=True) == inf) == (not sale.sells_out)


def test_a_million_requests_to_the_api_cost_three_dollars_fifty_and_a_million_write_units_70_cents() -> None:
    assert PRICES.cost("api_requests", 1_000_000) == pytest.approx(3.50)
    assert PRICES.cost("dynamodb_write_units", 1_000_000) == pytest.approx(0.705)
    assert PRICES.cost("redis_hours", 730) == pytest.approx(730 * PRICES["redis_hours"].usd)


def test_a_price_that_is_not_in_the_price_list_is_named() -> None:
    assert "kinesis_in" in PRICES.unlisted
    assert "dynamodb_write_units" not in PRICES.unlisted


def test_the_api_is_billed_for_every_request_of_the_visit() -> None:
    """By hand: two looks at two pages, a cart, a hold or three refusals and looks, checkout, payment, two more."""
    line = bill.on_sale(planned(OnSale(1_000, 6_000, 10, abandoned=0)).load, PRICES)[0]
    refusals = (6_000 - 500) * 3
    assert line.what == "API Gateway"
    assert line.quantity == pytest.approx(6_000 * 5 + 500 * 5 + refusals * 2)
    assert line.usd == pytest.approx(line.quantity * 3.5e-6)


def test_of_the_buses_only_streams_alone_have_too_few_readers_and_kinesis_alone_replays_for_days() -> None:
    streams, queue, kinesis = buses_of(planned(BIG).load, PRICES)
    assert (streams.suffices, queue.suffices, kinesis.suffices) == (False, True, True)
    assert kinesis.on_sale < queue.on_sale
    assert kinesis.quiet_month == pytest.approx(730 * PRICES["kinesis_stream_hours"].usd)


def test_an_organiser_reads_in_three_lines_whether_how_long_and_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--tickets", "500", "--buyers", "2000", "--minutes", "10"]) == 0
    can, long, cost = capsys.readouterr().out.splitlines()[:3]
    assert can.startswith("Can it be sold?  Yes, all 500 tickets")
    assert long.startswith("How long until the last ticket is gone?  ")
    assert "$" in cost


def test_for_machines_everything_is_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["pools"] == 90
    assert told["on_sale_usd"] == pytest.approx(sum(line["usd"] for line in told["on_sale"]))
    assert {limit["name"] for limit in told["limits"] if limit["ask_for"]} >= {"API Gateway"}


def test_what_is_never_sold_out_is_null_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--json", "--buyers", "10"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["last_ticket_seconds"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tickets", "0"], "argument --tickets: 0 is less than 1"),
        (["--buyers", "many"], "argument --buyers: 'many' is no whole number"),
        (["--minutes", "-1"], "argument --minutes: -1 must be more than 0"),
        (["--minutes", "nan"], "argument --minutes: nan must be more than 0"),
        (["--abandoned", "1"], "argument --abandoned: 1 must be at least 0 and less than 1"),
        (["--rush", "0.5"], "argument --rush: 0.5 must be 1 or more"),
    ],
)
def test_a_bad_argument_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", *arguments])
    assert said in capsys.readouterr().err


def test_a_region_without_prices_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--region", "mars-1"]) == 1
    assert "--region: there are prices for eu-west-1 only" in capsys.readouterr().err
