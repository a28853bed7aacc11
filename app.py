"""Every Lambda entry point of Cloudbash, and nothing else.

All functions share this module, so it imports at once only what all of them need: what one function needs is imported
by its handler, and before its first call by what `chalicelib/functions.py` makes for it.
"""

import gc
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, DynamoDBEvent, Rate, SQSEvent

from chalicelib import composition
from chalicelib.functions import THE_API, WARM_UP
from chalicelib.platform import logs
from chalicelib.platform.bus.kinesis.trigger import on_bus_records
from chalicelib.platform.invocation import observed
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.platform.bus.port import BusRecord

FUNCTION = os.environ.get("_HANDLER", "").removeprefix("app.")
"""The function that this container runs, as Lambda names it; empty everywhere else, where all run in one process."""

if FUNCTION:
    gc.disable()  # a start only makes what stays

settings = Settings.from_environment()
EVENT_BUS = settings.event_bus or "cloudbash-dev-events"
logs.install()
app = Chalice(app_name="cloudbash", configure_logs=False)  # its own handler writes plain text
app.register_middleware(observed)


@app.authorizer(ttl_seconds=300)
def authorize(request: AuthRequest) -> AuthResponse:
    from chalicelib.platform.http.authorizer import authorize as authorize_token

    return authorize_token(request.token, composition.current().verifier)


if FUNCTION in {"", THE_API}:
    from chalicelib.platform.http.middleware import logged, problems_only
    from chalicelib.shop.carts.api import routes as carts
    from chalicelib.shop.concerts.api import routes as concerts
    from chalicelib.shop.health.api import routes as health
    from chalicelib.shop.inventory.api import routes as inventory
    from chalicelib.shop.orders.api import routes as orders
    from chalicelib.shop.streams.api import routes as streams
    from chalicelib.shop.venues.api import routes as venues

    app.register_middleware(logged, "http")
    app.register_middleware(problems_only, "http")
    for routes in (venues, concerts, inventory, carts, orders, streams, health):
        app.register_blueprint(
            routes.blueprint(authorize, lambda person: composition.current().roles_granted_to(person))
        )


@app.on_dynamodb_record(stream_arn=settings.events_stream_arn or "set-by-the-template", batch_size=100)
def forward_events(event: DynamoDBEvent) -> dict[str, Any]:
    """Log → bus."""
    from chalicelib.platform.bus.forwarder import LogRecord

    records = [LogRecord(r.sequence_number, r.event_name, r.keys, r.new_image) for r in event]
    return composition.current().forwarder.forward(records)


@on_bus_records(app, EVENT_BUS, batch_size=100)
def project_programme(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Bus → Postgres."""
    return composition.current().programme_consumer.consume(records)


@on_bus_records(app, EVENT_BUS, batch_size=100)
def project_carts(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Bus → DynamoDB."""
    return composition.current().carts_consumer.consume(records)


@on_bus_records(app, EVENT_BUS, batch_size=100)
def project_availability(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Bus → Redis."""
    return composition.current().availability_consumer.consume(records)


@on_bus_records(app, EVENT_BUS, batch_size=100)
def run_processes(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Bus → process managers."""
    return composition.current().processes_consumer.consume(records)


@on_bus_records(app, EVENT_BUS, batch_size=10_000, window_seconds=300)
def sign_heads(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Bus → archive of signed heads."""
    return composition.current().head_signer.sign(records)


@on_bus_records(app, EVENT_BUS, batch_size=10_000, window_seconds=300)
def archive_events(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Bus → archive of all events."""
    return composition.current().archivist.archive(records)


@app.on_sqs_message(queue=settings.work_queue or "cloudbash-dev-work", batch_size=10)
def work(event: SQSEvent) -> dict[str, Any]:
    """Work queue → commands and the world outside."""
    from chalicelib.platform.processes.worker import Message

    messages = [Message(record.to_dict()["messageId"], record.body) for record in event]
    return composition.current().worker.work(messages)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def push_on(_: CloudWatchEvent) -> None:
    """The watchdog: processes that are past their due time → work queue."""
    shop = composition.current()
    shop.processes.push_on(shop.clock())


@app.schedule(Rate(1, unit=Rate.MINUTES))
def record_lapsed_holds(_: CloudWatchEvent) -> None:
    """The sweep: holds that have ended in pools where nothing happens → log."""
    composition.current().record_lapsed_holds()


@app.schedule(Rate(1, unit=Rate.MINUTES))
def verify_read_models(_: CloudWatchEvent) -> None:
    """The reconciler: heads of the log → positions of the read models, and what is behind is caught up."""
    composition.current().reconciler.run()


@app.lambda_function()
def migrate(_event: object, _context: object) -> dict[str, list[str]]:
    """A deployment → schema of Postgres, which nobody reaches from outside."""
    return {"applied": composition.current().migrate()}


if FUNCTION:
    WARM_UP[FUNCTION](composition.current())
    gc.freeze()  # nor need it be looked at again
    gc.enable()
