"""Makes the client of Redis.

The library is imported where a client is made, so that a function which imports a query pays for it only when it uses
Redis.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.5
"""Both are in seconds. The shop sells without Redis, so no request waits long for it."""


def open_redis(url: str) -> "Redis":
    """Make a client that connects at first use, waits shortly, and repeats a command once if the connection is lost."""
    from redis import Redis  # noqa: PLC0415 - see above
    from redis.backoff import NoBackoff  # noqa: PLC0415 - see above
    from redis.retry import Retry  # noqa: PLC0415 - see above

    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), retries=1),
    )
