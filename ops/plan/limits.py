"""Compares what AWS gives a new account with what the on-sale needs, and says what to do about each limit."""

from dataclasses import dataclass
from math import ceil, inf

from ops.plan.load import SHARD_BYTES_OUT, Load

API_REQUESTS = 10_000
"""All APIs of an account in a region get so many requests a second, burst 5,000; can be raised
(https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
"""
CONCURRENCY = 1_000
"""All functions of an account in a region get so many executions at once; can be raised
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""
REQUESTS_PER_CONCURRENCY = 10
"""A function gets so many requests a second for each execution that the quota allows (the same page)."""
SCALING, SCALING_SECONDS = 1_000, 10
"""One function gains so many containers in so many seconds. They are refilled continuously, never more than these at
once, and the limit cannot be raised (https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html).
"""
NEW_TABLE_WRITES, NEW_TABLE_READS = 4_000, 12_000
"""A new on-demand table gets so many units a second. More comes by itself, at most double the last peak within 30
minutes; or at once by raising the table's warm throughput, which is charged once
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html).
"""
TABLE_WRITES, TABLE_READS = 40_000, 40_000
"""One table gets so many units a second; can be raised
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
"""
PARTITION_WRITES, PARTITION_READS = 1_000, 3_000
"""One partition, and so one item, gets so many units a second; cannot be raised
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
"""
NEW_STREAM_RECORDS = 4_000
NEW_STREAM_BYTES = 4_000_000
"""A new on-demand stream takes so many records and bytes a second. It takes twice its peak of the last 30 days, and
refuses when traffic more than doubles within 15 minutes
(https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html).
"""
POSTGRES_CONNECTIONS = 450
"""An instance of 4 GB takes so many connections: LEAST(memory / 9531392, 5000)
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html).
"""
REDIS_CONNECTIONS = 65_000
"""One node takes so many clients (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/quota-limits.html)."""

SPARE = 1.3
"""The plan asks for so many times what is needed."""


@dataclass(frozen=True)
class Limit:
    """Compares a limit with the need. `raised_by` says how to raise it; it is empty if AWS raises it for nobody.

    `slows` tells whether buyers wait when it is reached.
    """

    name: str
    unit: str
    needed: float
    given: float
    raised_by: str
    otherwise: str
    slows: bool = False

    @property
    def headroom(self) -> float:
        """Return how often the need fits into the limit; below 1 it does not fit."""
        return self.given / self.needed if self.needed else inf

    @property
    def suffices(self) -> bool:
        return self.headroom >= 1

    @property
    def to_ask_for(self) -> int:
        """Return what is needed and some spare, rounded up to two digits."""
        wanted = ceil(self.needed * SPARE)
        grain: int = 10 ** max(0, len(str(wanted)) - 2)
        return -(-wanted // grain) * grain

    @property
    def advice(self) -> str:
        if self.suffices:
            return ""
        return f"{self.raised_by} to {self.to_ask_for:,}" if self.raised_by else self.otherwise


def limits_of(load: Load) -> list[Limit]:
    """List the limits in the order in which a request meets them."""
    concurrency = load.concurrency()
    return [
        Limit(
            "API Gateway",
            "requests/s",
            load.requests(),
            API_REQUESTS,
            "Service Quotas: API Gateway, throttle rate (L-8A5B8E43)",
            "",
            slows=True,
        ),
        Limit(
            "Lambda, executions at once",
            "containers",
            max(concurrency, load.requests() / REQUESTS_PER_CONCURRENCY),
            CONCURRENCY,
            "Service Quotas: Lambda, concurrent executions (L-B99A9384)",
            "",
            slows=True,
        ),
        Limit(
            "Lambda, containers at once from nothing",
            "containers",
            concurrency,
            SCALING,
            "",
            f"provisioned concurrency of api_handler before the opening: {ceil(concurrency - SCALING):,}, "
            f"or {(concurrency - SCALING) * SCALING_SECONDS / SCALING:,.0f} s of 429 until they are there",
        ),
        Limit(
            "event log, writes of a new table",
            "units/s",
            load.log_writes(),
            NEW_TABLE_WRITES,
            "warm throughput of the events table: writes",
            "",
            slows=True,
        ),
        Limit(
            "event log, writes of any table",
            "units/s",
            load.log_writes(),
            TABLE_WRITES,
            "Service Quotas: DynamoDB, table-level write throughput",
            "",
        ),
        Limit(
            "event log, reads of a new table",
            "units/s",
            load.log_reads(),
            NEW_TABLE_READS,
            "warm throughput of the events table: reads",
            "",
            slows=True,
        ),
        Limit(
            "event log, reads of any table",
            "units/s",
            load.log_reads(),
            TABLE_READS,
            "Service Quotas: DynamoDB, table-level read throughput",
            "",
        ),
        Limit(
            "one pool, writes of its partition",
            "units/s",
            load.pool_units(),
            PARTITION_WRITES,
            "",
            "sell over more ticket types: each has pools of its own",
            slows=True,
        ),
        Limit(
            "one pool, one write a round trip",
            "writes/s",
            load.contention.writes,
            load.contention.most,
            "",
            "sell over more ticket types: each has pools of its own; or let buyers in little by little",
            slows=True,
        ),
        Limit(
            "the last tickets, reads of each pool",
            "units/s",
            load.last_reads(),
            PARTITION_READS,
            "",
            "the last tickets go more slowly, some with 503 and Retry-After; let buyers in little by little",
        ),
        Limit(
            "one sold-out result, reads of its item",
            "units/s",
            load.result_reads(),
            PARTITION_READS,
            "",
            "some of the refused get 503 with Retry-After instead of 409 for a while; nothing is oversold",
        ),
        Limit(
            "event bus, records of a new stream",
            "records/s",
            load.records(),
            NEW_STREAM_RECORDS,
            f"provisioned mode with {load.shards()} shards the day before, then on-demand again; records/s",
            "",
        ),
        Limit(
            "event bus, bytes of a new stream",
            "bytes/s",
            load.record_bytes(),
            NEW_STREAM_BYTES,
            f"provisioned mode with {load.shards()} shards the day before, then on-demand again; bytes/s",
            "",
        ),
        Limit(
            f"event bus, reading of one of {load.shards()} shards",
            "bytes/s",
            load.bytes_out(),
            SHARD_BYTES_OUT,
            "",
            "enhanced fan-out for project_availability and project_carts, which buyers look at",
        ),
        Limit(
            "Postgres, connections",
            "connections",
            concurrency,
            POSTGRES_CONNECTIONS,
            "RDS Proxy, or a larger instance: connections",
            "",
        ),
        Limit("Redis, connections", "connections", concurrency, REDIS_CONNECTIONS, "a second node: connections", ""),
    ]
