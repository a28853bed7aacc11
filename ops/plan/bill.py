"""Calculates the cost line by line, in US dollars: measured counts times published prices."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.functions import FUNCTIONS
from chalicelib.platform.function import Schedule
from infra import alarms
from ops.plan.demand import Rates
from ops.plan.load import AUTHORIZER_SECONDS, READERS_OF_THEIR_OWN, WRITES_OF_POOL, Load, consumers, gigabytes
from ops.plan.prices import Prices

GIGABYTE = 1_000_000_000
RECORDS_A_BATCH = 10
"""A consumer gets so many records at a time, on average; up to 100."""
LOG_BYTES = 500
"""Lambda itself writes so many bytes about each invocation."""
KEY_REQUESTS = 2
"""A purchase sends so many requests to KMS: the buyer's data key is made, and opened once."""
HOURS = 730
SCHEDULED = sum(
    isinstance(function.trigger, Schedule) and not function.trigger.is_daily for function in FUNCTIONS.values()
)
"""So many functions run every minute."""
SCHEDULED_SECONDS = 0.5
SECRETS, KEYS = 3, 2
SERIES = 22
"""We have so many metrics, counting each name and function."""
POSTGRES_GIGABYTES = 20
VISITS_A_PURCHASE = 20
"""In a quiet month most people only look."""


@dataclass(frozen=True)
class Line:
    what: str
    quantity: float
    unit: str
    usd: float


def on_sale(load: Load, prices: Prices) -> list[Line]:
    """List what this on-sale adds to the bill of its month."""
    return list(_used(load, prices, load.sale.requests(), load.contention.losses))


def quiet_month(load: Load, prices: Prices, purchases: int) -> list[Line]:
    """List the cost of a month without an on-sale: the fixed part, and that of so many purchases."""
    visits = float(purchases * VISITS_A_PURCHASE)
    steps = dict.fromkeys(("cart", "hold", "checkout", "payment"), float(purchases))
    trickle = {**steps, "concert page": visits, "availability": visits, "order page": 2.0 * purchases, "refusal": 0.0}
    return [*_standing(prices), *_used(load, prices, trickle, losses=0)]


def total(lines: list[Line]) -> float:
    return sum(line.usd for line in lines)


def records(load: Load, requests: Rates) -> tuple[float, float]:
    """Return the number of events, and their kilobytes as Kinesis bills them."""
    number = sum(many * load.counted[step].records for step, many in requests.items())
    return number, sum(many * load.counted[step].record_kilobytes for step, many in requests.items())


def _used(load: Load, prices: Prices, requests: Rates, losses: float) -> Iterator[Line]:
    counted = load.counted

    def over(each: str) -> float:
        values = {
            "writes": {step: counted[step].api.write_units + counted[step].followers.write_units for step in requests},
            "reads": {step: counted[step].api.read_units + counted[step].followers.read_units for step in requests},
            "answers": {step: float(counted[step].answer_kilobytes) for step in requests},
        }[each]
        return sum(many * values[step] for step, many in requests.items())

    def line(what: str, price: str, quantity: float) -> Line:
        return Line(what, quantity, prices[price].unit.removeprefix("million "), prices.cost(price, quantity))

    lost = losses * sum(requests[step] * counted[step].log_write_units for step in WRITES_OF_POOL)
    events, kilobytes = records(load, requests)
    all_requests = sum(requests.values())
    batches, sharing = events * consumers() / RECORDS_A_BATCH, consumers() - READERS_OF_THEIR_OWN
    put = kilobytes * 1024 / GIGABYTE
    yield line("API Gateway", "api_requests", all_requests)
    yield line("Lambda, invocations", "lambda_requests", all_requests + requests["cart"] + batches)
    yield line("Lambda, the API", "lambda_gb_seconds", _api_gigabyte_seconds(load, requests, losses > 0))
    yield line("Lambda, consumers of the bus", "lambda_gb_seconds", _consumer_gigabyte_seconds(load, requests))
    yield line("DynamoDB, writes", "dynamodb_write_units", over("writes"))
    yield line("DynamoDB, writes of lost races", "dynamodb_write_units", lost)
    yield line("DynamoDB, reads", "dynamodb_read_units", over("reads"))
    yield line("Kinesis, put", "kinesis_in", put)
    yield line(f"Kinesis, read by {sharing} consumers", "kinesis_out", put * sharing)
    yield line("Kinesis, enhanced fan-out", "kinesis_fan_out", put * READERS_OF_THEIR_OWN)
    yield line("KMS, keys of buyers", "kms_requests", requests["checkout"] * KEY_REQUESTS)
    yield line("CloudWatch, logs", "logs_ingested", (all_requests + requests["cart"] + batches) * LOG_BYTES / GIGABYTE)
    yield line("answers to the internet", "transfer_out", over("answers") * 1024 / GIGABYTE)
    yield line("events, storage for a month", "dynamodb_storage", put)
    yield line("events, recovery for a month", "dynamodb_recovery", put)


def _standing(prices: Prices) -> Iterator[Line]:
    runs = SCHEDULED * 60 * HOURS
    for what, price, quantity in (
        ("Postgres", "postgres_hours", HOURS),
        ("Postgres, storage", "postgres_storage", POSTGRES_GIGABYTES),
        ("Redis", "redis_hours", HOURS),
        ("Kinesis, the stream", "kinesis_stream_hours", HOURS),
        ("Lambda, scheduled functions", "lambda_requests", runs),
        ("Lambda, their duration", "lambda_gb_seconds", runs * SCHEDULED_SECONDS * gigabytes("retry_overdue")),
        ("KMS, keys", "kms_keys", KEYS),
        ("secrets", "secrets", SECRETS),
        ("NAT gateway", "nat_hours", HOURS),
        ("alarms, by metric", "alarms", _watched_metrics()),
        ("custom metrics", "metrics", SERIES),
    ):
        unit = prices[price].unit.removeprefix("million ")
        yield Line(what, float(quantity), unit, prices.cost(price, quantity))


def _watched_metrics() -> int:
    """Count the metrics that the template's alarms watch; an alarm with an expression watches several."""
    watching = (one["Properties"] for one in alarms.resources(FUNCTIONS).values() if one["Type"] == alarms.ALARM)
    return sum(sum("MetricStat" in metric for metric in one.get("Metrics", [])) or 1 for one in watching)


def _api_gigabyte_seconds(load: Load, requests: Rates, is_busy: bool) -> float:
    seconds = sum(
        many * (load.seconds_in_lambda(step) if is_busy else load.timings.in_lambda(step, load.counted))
        for step, many in requests.items()
    )
    return seconds * gigabytes("api_handler") + requests["cart"] * AUTHORIZER_SECONDS * gigabytes("authorize")


def _consumer_gigabyte_seconds(load: Load, requests: Rates) -> float:
    times = load.timings
    milliseconds = sum(
        many * (spent.reads * times.read_ms + (spent.requests - spent.reads) * times.write_ms)
        for step, many in requests.items()
        for spent in [load.counted[step].followers]
    )
    return milliseconds / 1000 * gigabytes("project_carts")
