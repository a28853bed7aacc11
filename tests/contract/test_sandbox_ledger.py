"""What every memory of the sandbox provider promises."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.money import Money
from chalicelib.shop.orders.payments.port import Attempt, RefundState
from chalicelib.shop.orders.payments.sandbox import Decision, Entry, Ledger, MemoryLedger, SandboxGateway, Token
from chalicelib.shop.orders.payments.sandbox.dynamodb import DynamoDBLedger
from local.resources import Resources
from tests.support.stored import SOME_TIME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    client: DynamoDBClient = request.getfixturevalue("client")
    resources: Resources = request.getfixturevalue("contract_resources")
    return DynamoDBLedger(client, resources.names["SandboxTable"])


def entry(decision: Decision = Decision.UNDECIDED) -> Entry:
    due_at = SOME_TIME + timedelta(seconds=5)
    price = Money.of("25.00", "EUR")
    return Entry(uuid4(), price, decision, due_at, uuid4(), uuid4(), Token.REFUND_BOUNCES, uuid4(), failures=2)


def test_what_was_recorded_is_found_as_it_was(ledger: Ledger) -> None:
    recorded = entry()
    assert ledger.find(recorded.id) is None
    assert ledger.record(recorded) == recorded
    assert ledger.find(recorded.id) == recorded


def test_the_first_entry_of_an_id_stands(ledger: Ledger) -> None:
    first = ledger.record(entry(Decision.CHARGED))
    second = Entry(first.id, Money.of("1.00", "EUR"), Decision.DECLINED, first.due_at)
    assert ledger.record(second) == first


@pytest.mark.parametrize("open_as", [Decision.UNDECIDED, Decision.REQUIRES_ACTION])
def test_an_open_entry_is_decided_once(ledger: Ledger, open_as: Decision) -> None:
    undecided = ledger.record(entry(open_as))
    assert ledger.decide(undecided, Decision.DECLINED).decision is Decision.DECLINED
    assert ledger.decide(undecided, Decision.CHARGED).decision is Decision.DECLINED


def test_entries_are_listed_by_the_time_at_which_they_are_due(ledger: Ledger) -> None:
    first, second, third = (replace(entry(), due_at=SOME_TIME + timedelta(hours=hours)) for hours in (1, 2, 3))
    for one in (first, second, third):
        ledger.record(one)
    listed = list(ledger.list_due(first.due_at, third.due_at))
    ours = [one for one in listed if one.id in {first.id, second.id, third.id}]
    assert sorted(ours, key=lambda one: one.due_at) == [first, second]


def test_a_payment_goes_back_in_parts_each_once(ledger: Ledger) -> None:
    sandbox = SandboxGateway(ledger, lambda: SOME_TIME, "secret", lambda *_: None)
    attempt = Attempt(uuid4(), uuid4(), Money.of("90.00", "EUR"))
    sandbox.charge(attempt, Token.APPROVED)
    parts = {uuid4(): Money.of(amount, "EUR") for amount in ("50.00", "40.00")}
    for refund_id, amount in [*parts.items(), *parts.items()]:
        assert sandbox.refund(refund_id, attempt, amount).state is RefundState.SUCCEEDED
    found = sandbox.find_reversals(attempt).refunds
    assert [(one.refund_id, one.amount, one.state) for one in found] == [
        (refund_id, amount, RefundState.SUCCEEDED) for refund_id, amount in parts.items()
    ]
    with pytest.raises(Unavailable):
        sandbox.refund(uuid4(), attempt, Money.of("0.50", "EUR"))
