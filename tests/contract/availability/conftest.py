"""Live availability in Redis."""

import pytest
from redis import Redis

from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.inventory.projections import AVAILABILITY_MODEL


@pytest.fixture(scope="session")
def projection(redis: Redis) -> RedisProjection:
    return RedisProjection(redis, AVAILABILITY_MODEL)
