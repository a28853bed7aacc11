"""Makes the client of Redis.

The library is imported where a client is made, so that a function which imports a query pays for it only when it uses
Redis.
"""

from typing import TYPE_CHECKING, Any

from chalicelib.platform.readmodels.redis.failures import failures_as_unavailable, is_outage

if TYPE_CHECKING:
    from redis import Redis

    from chalicelib.platform.breaker import Breaker

CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.5
"""Both are in seconds, for consumers: a batch waits rather than coming again."""

QUERY_SECONDS = 0.1
"""How long a query waits for a connection, and for an answer. The log answers instead, so a caller need not wait."""


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


def open_query_redis(url: str, breaker: "Breaker", patience: float = 1.0) -> "Redis":
    """Make a client for queries, which waits shortly, and not at all while the breaker is open.

    It waits `QUERY_SECONDS`, times `patience`. A command is repeated once if its connection is lost, and never after a
    timeout; while the breaker is open it raises Unavailable.
    """
    from redis import ConnectionError as ConnectionLost  # noqa: PLC0415 - see above
    from redis import Redis  # noqa: PLC0415 - see above
    from redis.backoff import NoBackoff  # noqa: PLC0415 - see above
    from redis.retry import Retry  # noqa: PLC0415 - see above

    class QueryRedis(Redis):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            with failures_as_unavailable(), breaker.guarding(is_outage):
                return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # the library's

    return QueryRedis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=patience * QUERY_SECONDS,
        socket_timeout=patience * QUERY_SECONDS,
        retry=Retry(NoBackoff(), retries=1, supported_errors=(ConnectionLost,)),
    )
