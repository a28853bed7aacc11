"""Compares the three event buses that AWS offers, for the on-sale at hand.

The choice is in docs/adr/0025-the-event-bus-is-kinesis.md.
"""

from dataclasses import dataclass
from math import ceil

from ops.plan.bill import GIGABYTE, HOURS, records
from ops.plan.load import READERS_OF_THEIR_OWN, Load, consumers
from ops.plan.prices import Prices

STREAM_READERS = 2
"""So many consumers may read one shard of DynamoDB Streams; more may be throttled
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
"""
FIFO_CALLS = 70_000
"""SQS takes so many calls of each kind a second in eu-west-1, in high throughput mode. A call has up to ten messages
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
"""
FIFO_BATCH = 10
FIFO_CALLS_A_MESSAGE = 3
"""A message is sent, received and deleted. A chunk of 64 KB is billed as one, so a batch of our events is one."""


@dataclass(frozen=True)
class Bus:
    name: str
    subscribers: str
    suffices: bool
    """It tells whether our consumers can all subscribe."""
    order: str
    replay: str
    throughput: str
    on_sale: float
    quiet_month: float
    """It is the fixed cost in US dollars, without the purchases of that month."""


def buses_of(load: Load, prices: Prices) -> list[Bus]:
    many = consumers()
    events, kilobytes = records(load, load.sale.requests())
    put = kilobytes * 1024 / GIGABYTE
    own = READERS_OF_THEIR_OWN
    read = prices.cost("kinesis_out", put * (many - own)) + prices.cost("kinesis_fan_out", put * own)
    kinesis = prices.cost("kinesis_in", put) + read
    calls = events * many * FIFO_CALLS_A_MESSAGE / FIFO_BATCH
    needed = load.records()
    return [
        Bus(
            "DynamoDB Streams alone",
            f"{STREAM_READERS} a shard; we have {many}",
            many <= STREAM_READERS,
            "by item; each event is an item",
            "24 hours; no new reader of what is older",
            "whatever the table takes",
            0.0,
            0.0,
        ),
        Bus(
            "SQS FIFO",
            f"a queue each: {many} queues, sent to {many} times",
            True,
            "by group: one group a stream",
            "none: what is read is gone",
            f"{FIFO_CALLS:,} calls/s; here {ceil(needed / FIFO_BATCH):,} a queue",
            prices.cost("fifo_requests", calls),
            0.0,
        ),
        Bus(
            "Kinesis",
            f"{many - own} share 2 MB/s a shard; {own} of 20 by fan-out",
            True,
            "by partition key: one a stream",
            "7 days here, up to 365, any reader from any time",
            f"1 MB/s, 1,000 records/s a shard; here {load.shards()}",
            kinesis,
            prices.cost("kinesis_stream_hours", HOURS),
        ),
    ]
