"""What lies in Redis, and of whom."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from redis import Redis

from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.carts.events import CartCreated
from local.valkey import Valkey
from tests.contract.availability.histories import deliver, logged, memory
from tests.support.shop import BUYER, CUSTOMER, Shop


def test_every_key_is_under_one_prefix_and_no_value_holds_personal_data(
    salted_shop: Shop, own_valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    own_valkey.forget_everything()
    _, ticket_type_id = salted_shop.on_sale()
    cart_id = salted_shop.cart()
    salted_shop.add(cart_id, ticket_type_id)
    salted_shop.pay(salted_shop.check_out(cart_id).order_id)
    salted_shop.add(salted_shop.cart(), ticket_type_id)
    deliver(projection, memory(salted_shop))
    keys = [str(key) for key in redis.scan_iter()]
    assert len(keys) > 5
    assert all(key.startswith("cloudbash:{availability}:") for key in keys)
    contents = json.dumps([[key, value_of(redis, key)] for key in keys], ensure_ascii=False)
    assert str(ticket_type_id) in contents
    for secret in [*BUYER.values(), *BUYER["name"].split(), str(CUSTOMER.id)]:
        assert secret not in contents


def value_of(redis: Redis, key: str) -> Any:
    ways: dict[Any, Callable[[], Any]] = {
        "hash": lambda: redis.hgetall(key),
        "zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        "string": lambda: redis.get(key),
    }
    return ways[redis.type(key)]()


def test_carts_and_other_strangers_are_not_followed(projection: RedisProjection) -> None:
    cart_id = uuid4()
    store = logged({cart_id: [CartCreated(customer_id=CUSTOMER.id)]})
    deliver(projection, store)
    assert projection.position(cart_id) == -1
    assert projection.aggregate_types == {"TicketPool", "Concert"}
