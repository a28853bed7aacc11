"""Live availability in Redis."""

import pytest
from redis import Redis

from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.inventory.projections import AVAILABILITY_MODEL
from local.valkey import Valkey


@pytest.fixture(scope="module")
def projection(own_valkey: Valkey, redis: Redis) -> RedisProjection:
    """The first generation, and no other: tests of rebuilds leave a later one live in the Redis they share."""
    own_valkey.forget_everything()
    return RedisProjection(redis, AVAILABILITY_MODEL)
