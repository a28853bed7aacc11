"""The shop as it is deployed, appending with PartiQL: its functions may do what they ask for, and no more."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from uuid import UUID

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.httpsession import URLLib3Session

from app import app
from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.functions import FUNCTIONS
from chalicelib.platform.aws.clients import make_client
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.function import Need
from chalicelib.platform.processes.work import Task
from chalicelib.platform.readmodels.reconciler import CHANGES_KEPT_FOR
from chalicelib.settings import Settings
from chalicelib.shop.access.erasure import FINISH_ERASURE, erase_person
from local.invocation import Mapping as EventSource
from local.kinesis import KinesisStream
from local.migrate import migrate
from local.pump import Pump, mappings_of, pollers_of
from local.schedules import tick
from local.stack import Stack
from tests.journeys.shop import (
    BUYER,
    OurPipeline,
    Ours,
    Published,
    Shop,
    cart_with,
    made,
    order_of,
    pay,
    person_of,
    publish_concert,
    refused,
)
from tests.support.asked import Guard
from tests.support.policies import ON_EVERY_RESOURCE, Statement, policy_files, statements_of
from tests.support.receiver import running_receiver
from tests.support.scanned_log import ScannedLog
from tests.support.shop import Clock

pytestmark = pytest.mark.needs_the_stack


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory, our_shop: Shop) -> Iterator[Guard]:
    """After a day in a shop of its own, but for the server of the routes: an app has only one."""
    with ExitStack() as exits:
        stack = exits.enter_context(Stack(tmp_path_factory.mktemp("permissions"), migrate=migrate))
        environment = exits.enter_context(pytest.MonkeyPatch.context())
        for name, value in stack.environment.items():
            environment.setenv(name, value)
        exits.callback(composition.use, None)
        deployed = environment_as_deployed(stack)
        guard = Guard(deployed)
        session = exits.enter_context(guard.installed())
        session.get_component("event_emitter").register("before-send.dynamodb.ExecuteStatement", LostReplies(guard))
        log = ScannedLog(stack.aws.dynamodb, stack.environment["EVENTS_TABLE"])
        pump = pump_of(stack, guard, log)
        own = Shop(our_shop.base_url, stack.issuer.token, OurPipeline(pump), Ours(stack.issuer, pump, stack))
        night = guard.around(EventSource("reconcile_money", "schedule", app.handler_map["reconcile_money"]))
        Day(own, log, Settings.from_environment(deployed), partial(tick, night)).rehearse()
        yield guard


class LostReplies:
    """The reply to the first insertion of every function is lost, so that it has to look what stands in its place."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._lost: set[str | None] = set()

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> None:
        if self._guard.function not in self._lost:
            self._lost.add(self._guard.function)
            URLLib3Session().send(request)
            raise ConnectionClosedError(endpoint_url=str(request.url))


def environment_as_deployed(stack: Stack) -> dict[str, str]:
    """With keys in KMS, and events that are inserted."""
    kms = boto3.session.Session().client("kms")
    master = kms.create_key()["KeyMetadata"]["Arn"]
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    pool = boto3.session.Session().client("cognito-idp").create_user_pool(PoolName="shop")["UserPool"]["Arn"]
    return {
        **stack.environment,
        "USER_POOL_ARN": pool,
        "MASTER_KEY_ID": master,
        "SIGNING_KEY_ID": signing,
        "APPEND_WITH": "partiql",
    }


def pump_of(stack: Stack, guard: Guard, log: ScannedLog) -> Pump:
    sources = [guard.around(source) for source in mappings_of(app)]
    bus = KinesisStream(stack.aws.kinesis, stack.environment["EVENT_BUS"])
    workers = pollers_of(sources, stack.aws.sqs, stack.environment)
    return Pump(sources, {"dynamodb": log, "bus": bus}, workers)


class Day:
    """What the functions do, as far as a day can show it."""

    def __init__(self, shop: Shop, log: ScannedLog, settings: Settings, reconcile_money: Callable[[], None]) -> None:
        self.shop = shop
        self.reconcile_money = reconcile_money
        self.log = log
        self.clock = Clock(utc_now())
        self._settings = settings
        self.organiser, self.visitor = shop.organiser(), shop.visitor()
        self.early, self.late, self.never = (shop.customer() for _ in range(3))

    def rehearse(self) -> None:
        self.start_containers()
        concert = publish_concert(self.organiser, {"quantity": 5})
        order_id = self.sell(concert)
        self.sell_out(concert)
        self.let_holds_and_orders_end(concert)
        self.show_who_was_counted(concert)
        self.tell_of_a_declined_payment()
        self.pay_late()
        self.lose_news()
        self.lose_news_for_good()
        self.hear_nonsense()
        self.cancel_orders_over_two_concerts()
        self.reconcile()
        self.erase()
        self.tell_receivers()
        self.cancel(concert)
        assert made(self.early.get(f"/orders/{order_id}"))["status"] == "refunded"
        assert made(self.shop.as_role("operator").get("/health?deep=true"))["status"] == "ok"

    def start_containers(self) -> None:
        """New ones, that know nothing."""
        composition.use(Composition(self._settings, self.clock))

    def sell(self, concert: Published) -> str:
        """Two of five, one with a payment that is heard of later; and a hold is given back."""
        cart_id, item_id = cart_and_item(self.early, concert, 2)
        made(self.early.delete(f"/carts/{cart_id}/items/{item_id}"))
        order_id = order_of(self.early, concert.ticket_type_id, 2)
        made(pay(self.early, order_id))
        named = f"{order_id}:0, {concert.concert_id}:3"
        for path in ("/orders", "/concerts"):
            made(self.early.get(path, headers={"Min-Version": named}))
        made(pay(self.late, order_of(self.late, concert.ticket_type_id, 1), "tok_delayed"))
        self.shop.settle()
        [found] = made(self.visitor.get("/concerts", params={"q": "Björk"}))["items"]
        assert found["id"] == concert.concert_id
        assert self.available(concert) == 2
        attendees = made(self.organiser.get(f"/concerts/{concert.concert_id}/attendees"))["items"]
        assert {attendee["buyer"]["name"] for attendee in attendees} == {BUYER["buyer"]["name"]}
        [order] = made(self.early.get("/orders"))["items"]
        assert (order["id"], order["status"]) == (order_id, "confirmed")
        return order_id

    def sell_out(self, concert: Published) -> None:
        """And not again: what is given back raises the epoch of a mark that is there."""
        cart_id, item_id = cart_and_item(self.never, concert, 2)
        other = made(self.late.post("/carts"))["id"]
        wanted = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
        refused(self.late.post(f"/carts/{other}/items", json=wanted), 409, "sold_out")
        made(self.never.delete(f"/carts/{cart_id}/items/{item_id}"))
        made(self.late.post(f"/carts/{other}/items", json=wanted))
        cart_and_item(self.never, concert, 1)
        made(self.late.post(f"/carts/{other}/checkout", json=BUYER))

    def let_holds_and_orders_end(self, concert: Published) -> None:
        for minutes in (1, 20, 20, 60):
            self.shop.settle()
            self.start_containers()
            self.clock.advance(timedelta(minutes=minutes))
            self.shop.pump.tick()
        self.shop.settle()
        assert self.available(concert) == 2

    def show_who_was_counted(self, concert: Published) -> None:
        assert made(self.visitor.get(f"/concerts/{concert.concert_id}/sold/register"))["tickets"]

    def tell_of_a_declined_payment(self) -> None:
        """After some minutes, in which the customer may have paid."""
        concert = publish_concert(self.organiser)
        order_id = order_of(self.late, concert.ticket_type_id, 1)
        refused(pay(self.late, order_id, "tok_declined"), 402, "payment_declined")
        self.shop.settle()
        self.clock.advance(timedelta(minutes=4))
        self.shop.pump.tick()
        self.shop.settle()

    def pay_late(self) -> None:
        """For what a rival has bought meanwhile."""
        concert = publish_concert(self.organiser, {"quantity": 2})
        order_id = order_of(self.late, concert.ticket_type_id, 2)
        refused(pay(self.late, order_id, "tok_lost_reply"), 503, "unavailable")
        self.clock.advance(timedelta(minutes=20))
        made(pay(self.early, order_of(self.early, concert.ticket_type_id, 1)))
        self.shop.settle()
        self.shop.pump.tick()
        self.shop.settle()
        assert made(self.late.get(f"/orders/{order_id}"))["status"] == "expired"

    def lose_news(self) -> None:
        """They are missed as soon as there are newer ones."""
        concert = publish_concert(self.organiser)
        cart_id = cart_with(self.never, concert.ticket_type_id, 2)
        self.shop.settle()
        version = self.version(concert)
        with self.log.losing():
            version = self.rename(concert, "Unheard", version)
            order_id = made(self.never.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
            self.shop.settle()
        self.rename(concert, "Heard", version)
        made(pay(self.never, order_id))
        self.shop.settle()
        assert made(self.visitor.get(f"/concerts/{concert.concert_id}"))["name"] == "Heard"
        assert made(self.never.get(f"/orders/{order_id}"))["status"] == "confirmed"
        assert self.available(concert) == 18

    def lose_news_for_good(self) -> None:
        """Of a concert and its cancellation: who looks after the read models finds it in the log."""
        concert = publish_concert(self.organiser)
        order_id = order_of(self.late, concert.ticket_type_id, 1)
        self.shop.settle()
        version = self.version(concert)
        with self.log.losing():
            self.rename(concert, "Unheard", version)
            self.start_cancelling(concert)
            self.shop.settle()
        self.clock.advance(CHANGES_KEPT_FOR)  # the emulator's stream has nothing of what PartiQL inserts
        self.shop.pump.tick()
        self.shop.settle()
        assert made(self.late.get(f"/orders/{order_id}"))["status"] in {"cancelled", "expired"}

    def hear_nonsense(self) -> None:
        """On the bus and in the log: neither is an event."""
        aws, names = self.shop.stack.aws, self.shop.stack.environment
        aws.kinesis.put_record(StreamName=names["EVENT_BUS"], PartitionKey="nobody", Data=b"nonsense")
        stray = {"AggregateId": {"S": "nobody"}, "AggregateVersion": {"N": "0"}, "Created": {"S": "2026-11-23"}}
        aws.dynamodb.put_item(TableName=names["EVENTS_TABLE"], Item=stray)
        self.shop.settle()

    def cancel_orders_over_two_concerts(self) -> None:
        """What an unpaid order has of the other concert is given back, twice of the same ticket type."""
        stays = publish_concert(self.organiser)
        for _ in range(2):
            goes = publish_concert(self.organiser)
            cart_id = cart_with(self.late, goes.ticket_type_id, 1)
            more = {"ticket_type_id": stays.ticket_type_id, "quantity": 1}
            made(self.late.post(f"/carts/{cart_id}/items", json=more))
            order_id = made(self.late.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
            self.shop.settle()
            self.start_cancelling(goes)
            self.shop.settle()
            assert made(self.late.get(f"/orders/{order_id}"))["status"] == "cancelled"
        assert self.available(stays) == 20

    def reconcile(self) -> None:
        """The night hears first of a payment that was charged yesterday, and of a refund that is made by now."""
        concert = publish_concert(self.organiser)
        for token in ("tok_delayed", "tok_partly_refunded_there"):
            made(pay(self.late, order_of(self.late, concert.ticket_type_id, 1), token))
        self.clock.advance(timedelta(days=1))
        self.start_containers()
        self.reconcile_money()
        self.shop.settle()

    def erase(self) -> None:
        """Somebody who has bought nothing yet, and whom the user pool does not know."""
        customer = self.shop.customer()
        made(customer.delete("/me"))
        composition.current().work_queue.send([Task(FINISH_ERASURE, UUID(person_of(customer)), "now")])
        self.shop.settle()

    def tell_receivers(self) -> None:
        """Of an order that sells out its concert, after a failure; of all that was before; and of an erased person."""
        buyer = self.shop.customer()
        with running_receiver() as receiver:
            kinds = ["order.confirmed", "concert.sold_out", "person.erased"]
            body = {"url": receiver.url, "events": kinds}
            path = f"/webhook-endpoints/{made(self.organiser.post('/webhook-endpoints', json=body))['id']}"
            self.start_containers()  # none has opened the keys
            made(self.organiser.post(f"{path}/test"))
            concert = publish_concert(self.organiser, {"quantity": 1})
            receiver.answer = 503
            order_id = order_of(buyer, concert.ticket_type_id, 1)
            made(pay(buyer, order_id))
            self.shop.settle()
            receiver.answer = 204
            self.clock.advance(timedelta(minutes=1))
            self.shop.pump.tick()
            self.shop.settle()
            made(self.organiser.get(f"{path}/deliveries"))
            replay = {"since": "2020-01-01T00:00:00Z", "concert_ids": [concert.concert_id]}
            made(self.organiser.post(f"{path}/replay", json=replay))
            shop, person = composition.current(), UUID(person_of(buyer))
            erase_person(shop.repository, shop.vault, Origin("test", "test", "test"), person)
            self.shop.settle()
            assert {*kinds} <= {one.kind for one in receiver.taken}
            made(self.organiser.delete(path))

    def cancel(self, concert: Published) -> None:
        self.start_cancelling(concert)
        for _ in range(3):
            self.shop.settle()
            self.clock.advance(timedelta(minutes=3))
            self.shop.pump.tick()
        assert made(self.visitor.get(f"/concerts/{concert.concert_id}"))["status"] == "cancelled"

    def start_cancelling(self, concert: Published) -> None:
        made(self.organiser.post(f"/concerts/{concert.concert_id}/cancel"))

    def version(self, concert: Published) -> str:
        return self.organiser.get(f"/concerts/{concert.concert_id}").headers["ETag"]

    def rename(self, concert: Published, name: str, version: str) -> str:
        """The version of the concert then, as the one that it takes."""
        path = f"/concerts/{concert.concert_id}"
        answer = self.organiser.patch(path, json={"name": name}, headers={"If-Match": version})
        assert answer.is_success, answer.text
        return answer.headers["ETag"]

    def available(self, concert: Published) -> int:
        [row] = made(self.visitor.get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
        count: int = row["available"]
        return count


def cart_and_item(customer: httpx.Client, concert: Published, quantity: int) -> tuple[str, str]:
    cart_id = cart_with(customer, concert.ticket_type_id, quantity)
    [item] = made(customer.get(f"/carts/{cart_id}"))["items"]
    return cart_id, item["id"]


# What they ask for, and what they may


ASKED_BY_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamConsumer",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:SubscribeToShard",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}.union(*ON_EVERY_RESOURCE)
"""In the function's name, but not by its code: it writes the function's log, traces it, connects it to the VPC and
polls its event source."""

ASKED_WHERE_DEPLOYED = {"lambda:InvokeFunction", "secretsmanager:GetSecretValue", "ses:SendEmail", "ses:SendRawEmail"}
"""Here the environment has the secrets, which `tests/deployed` reads, tickets are printed by the process itself, and
mails lie in a folder."""

SNAPSHOTS = "no stream of one day is long enough for a snapshot"
BOUNCES = "no mail of a folder comes back"
RELEASED = "another has brought a parked stream further meanwhile"
TOO_RARE = {
    **{
        (function.name, action, "SnapshotsTable"): SNAPSHOTS
        for function in FUNCTIONS.values()
        for action in ("dynamodb:GetItem", "dynamodb:PutItem")
        if Need.APPEND in function.needs
    },
    **{
        (function.name, "dynamodb:DeleteItem", "ParkedTable"): RELEASED
        for function in FUNCTIONS.values()
        if not function.needs.isdisjoint({Need.CATCH_UP, Need.VERIFY_LOG})
    },
    **{
        (
            function,
            "dynamodb:UpdateItem",
            "CountersTable",
        ): "only requests to Stripe take turns, and here is the sandbox"
        for function in ("work", "reconcile_money")
    },
    ("verify_read_models", "dynamodb:PutItem", "ParkedTable"): "what was lost for good cannot be applied either",
    ("send_mails", "dynamodb:GetItem", "EventsTable"): BOUNCES,
    ("send_mails", "dynamodb:PartiQLInsert", "EventsTable"): BOUNCES,
    ("work", "dynamodb:GetItem", "ReadTable"): "the API of this one container knows which generation is live",
}
"""What a function may and this day does not show, and when it would."""


@pytest.mark.parametrize("function", policy_files())
def test_a_function_asks_for_everything_that_it_may(rehearsed: Guard, function: str) -> None:
    never_asked = {
        (function, action, statement.logical_id)
        for statement in statements_of(function)
        for action in set(statement.actions) - asked_of(rehearsed, function, statement)
        if action not in ASKED_BY_LAMBDA | ASKED_WHERE_DEPLOYED
    }
    assert never_asked == {rare for rare in TOO_RARE if rare[0] == function}


def test_a_function_that_asks_for_what_it_may_not_is_refused(rehearsed: Guard) -> None:
    """The emulator would let it. So every journey that uses the shop tries the policies out."""

    def delete_an_event(*_: Any) -> None:
        key = {"AggregateId": {"S": "any"}, "AggregateVersion": {"N": "0"}}
        make_client("dynamodb").delete_item(TableName=os.environ["EVENTS_TABLE"], Key=key)

    with pytest.raises(ClientError, match=r"AccessDenied.*work.*DeleteItem.*EventsTable"):
        rehearsed.around(EventSource("work", "sqs", delete_an_event)).handler({}, None)
    assert rehearsed.function is None


def asked_of(rehearsed: Guard, function: str, statement: Statement) -> set[str]:
    return {one.action for one in rehearsed.asked if one.function == function and fnmatchcase(one.arn, statement.arn)}
