"""A buyer's name and address lie nowhere in clear, and are gone when the person is erased."""

import json
import logging
from uuid import UUID, uuid4

import boto3
import pytest
import redis

from tests.journeys.shop import VENUE, Shop, cart_with, made, pay, publish_concert

NAME, EMAIL = "Hallgerður Höskuldsdóttir", "hallgerdur@njala.example"


def everything_stored(shop: Shop) -> str:
    """All tables, the bus, and Redis, as text."""
    environment = shop.stack.environment
    dynamodb = boto3.client("dynamodb")
    kinesis = boto3.client("kinesis")
    texts = []
    for name in ("EVENTS_TABLE", "READ_TABLE", "PARKED_TABLE", "PERSON_KEYS_TABLE"):
        pages = dynamodb.get_paginator("scan").paginate(TableName=environment[name])
        texts += [json.dumps(page["Items"], default=repr, ensure_ascii=False) for page in pages]
    for shard in kinesis.list_shards(StreamName=environment["EVENT_BUS"])["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=environment["EVENT_BUS"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator)
            if not page["Records"]:
                break
            texts += [record["Data"].decode() for record in page["Records"]]
            iterator = page["NextShardIterator"]
    cache = redis.Redis.from_url(environment["REDIS_URL"])
    texts += [repr(cache.dump(key)) for key in cache.scan_iter()]
    return "\n".join(texts)


@pytest.mark.needs_the_stack
def test_names_and_addresses_are_stored_and_logged_as_ciphertext_only(
    shop: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    checkout = {"buyer": {"name": NAME, "email": EMAIL}}
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=checkout))["order_id"]
    pay(customer, order_id, "tok_declined")
    made(pay(customer, order_id))
    shop.settle()
    assert made(customer.get(f"/orders/{order_id}"))["buyer"] == checkout["buyer"]

    stored = everything_stored(shop)
    output = capfd.readouterr()
    assert order_id in stored
    for text in (stored, output.out, output.err, *(record.getMessage() for record in logged_by_the_shop(caplog))):
        for secret in (NAME, EMAIL, json.dumps(NAME)[1:-1], NAME.split(maxsplit=1)[0]):
            assert secret not in text


def test_what_a_client_sends_as_correlation_is_kept_only_if_it_is_a_uuid_which_names_nobody(shop: Shop) -> None:
    organiser = shop.organiser()
    for sent, kept in ((str(uuid4()), True), ("Hallgerdur-1975", False), (f"{EMAIL}", False), ("x" * 65, False)):
        venue_id = made(organiser.post("/venues", json=VENUE, headers={"X-Correlation-Id": sent}))["id"]
        [event] = made(organiser.get(f"/streams/{venue_id}/events"))["items"]
        assert (event["correlation_id"] == sent) is kept
        assert UUID(event["correlation_id"])


@pytest.mark.needs_the_stack
def test_an_erased_persons_data_can_be_read_no_more(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    person = str(uuid4())
    customer = shop.customer(person)
    concert = publish_concert(shop.organiser())
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    checkout = {"buyer": {"name": NAME, "email": EMAIL}}
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=checkout))["order_id"]
    shop.settle()
    assert made(customer.get(f"/orders/{order_id}"))["buyer"] == checkout["buyer"]
    assert main(["erase", person, "--yes"]) == 0
    assert made(customer.get(f"/orders/{order_id}"))["buyer"] is None


def logged_by_the_shop(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Not the customer's own wire log, which is no log of the shop."""
    return [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
