"""Declares every Lambda entry point of Cloudbash, and nothing else; `chalicelib/functions.py` has the table of them.

All functions share this module, so it imports at once only what all of them need. What a single function needs is
imported by its handler, and made before its first call as the table says.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from chalice.app import (
    AuthRequest,
    AuthResponse,
    Chalice,
    CloudWatchEvent,
    Cron,
    DynamoDBEvent,
    Rate,
    SQSEvent,
)

from chalicelib import composition, contexts
from chalicelib.functions import FOLLOWERS, FUNCTIONS, function_run_by
from chalicelib.platform import logs
from chalicelib.platform.bus.kinesis.trigger import on_bus_records
from chalicelib.platform.function import WORK_QUEUE, Authorizer, Bus, Function, LogStream, Queue, Schedule
from chalicelib.platform.invocation import observed
from chalicelib.platform.manifest import Context
from chalicelib.settings import Settings, says_no_stack

if TYPE_CHECKING:
    from chalicelib.platform.bus.port import BusRecord

FUNCTION = os.environ.get("_HANDLER", "").removeprefix("app.")
"""The function that this container runs, as Lambda names it; empty everywhere else, where all run in one process."""

if FUNCTION:
    gc.disable()  # what a start makes is used to the end, so a collection would only cost time

if problem := says_no_stack():
    sys.stderr.write(f"{problem}\n")  # Chalice imports this in a thread, where `sys.exit` prints nothing
    sys.exit(1)

settings = Settings.from_environment()
logs.install()
app = Chalice(app_name="cloudbash", configure_logs=False)  # its own handler writes plain text
app.register_middleware(observed)


Declare = Callable[[Callable[[Any], Any]], Callable[..., Any]]
"""A decorator of Chalice."""


def _on_the_log(name: str) -> Declare:
    """Declare the reader of the log's stream, with the batch size of the table."""
    match FUNCTIONS[name].trigger:
        case LogStream(batch_size):
            stream = settings.events_stream_arn or "set-by-the-template"
            return app.on_dynamodb_record(stream_arn=stream, batch_size=batch_size)
    raise TypeError(f"{name} does not read the log")


def _on_the_bus(name: str) -> Declare:
    """Declare a reader of the bus, with the batches of the table."""
    match FUNCTIONS[name].trigger:
        case Bus(batch_size, window):
            stream = settings.event_bus or "cloudbash-dev-events"
            return on_bus_records(app, name, stream, batch_size, window)
    raise TypeError(f"{name} does not read the bus")


_QUEUES = {
    WORK_QUEUE: settings.work_queue or "cloudbash-dev-work",
    "WebhookQueue": settings.webhook_queue or "cloudbash-dev-webhooks",
    "MailQueue": settings.mail_queue or "cloudbash-dev-mails",
}


def _on_the_queue(name: str) -> Declare:
    """Declare a worker, with the batch size of the table."""
    match FUNCTIONS[name].trigger:
        case Queue(batch_size, queue=queue):
            return app.on_sqs_message(queue=_QUEUES[queue], name=name, batch_size=batch_size)
    raise TypeError(f"{name} reads no queue")


def _on_the_clock(name: str) -> Declare:
    """Declare a function that runs as often as the table says."""
    match FUNCTIONS[name].trigger:
        case Schedule(minutes, hour=None):
            return app.schedule(Rate(minutes, unit=Rate.MINUTES), name=name)
        case Schedule(hour=int(hour)):
            return app.schedule(Cron(0, hour, "*", "*", "?", "*"), name=name)
    raise TypeError(f"{name} does not run by the clock")


def _on_tokens(name: str) -> Callable[[Callable[[AuthRequest], AuthResponse]], Any]:
    """Declare the authorizer, whose answers API Gateway remembers as long as the table says."""
    match FUNCTIONS[name].trigger:
        case Authorizer(remembered_seconds):
            return app.authorizer(ttl_seconds=remembered_seconds)
    raise TypeError(f"{name} does not check tokens")


@_on_tokens("authorize")
def authorize(request: AuthRequest) -> AuthResponse:
    """Check a token and its account, and tell API Gateway who is calling."""
    from chalicelib.platform.http.authorizer import authorize as authorize_token

    shop = composition.current()
    return authorize_token(request.token, shop.verifier, shop.ensure_enabled)


if FUNCTION in {"", "app"}:
    from chalicelib.platform.http.answers import BINARY_TYPES
    from chalicelib.platform.http.middleware import guarded, logged, problems_only, without_content_to_head

    app.api.binary_types.extend(BINARY_TYPES)
    app.register_middleware(logged, "http")
    app.register_middleware(without_content_to_head, "http")
    app.register_middleware(guarded, "http")
    app.register_middleware(problems_only, "http")
    for routes in contexts.routes():
        app.register_blueprint(routes.blueprint(authorize, composition.current, composition.current))


@_on_the_log("forward_events")
def forward_events(event: DynamoDBEvent) -> dict[str, Any]:
    """Put new events of the log on the bus."""
    from chalicelib.platform.bus.forwarder import LogRecord

    records = [LogRecord(r.sequence_number, r.event_name, r.keys, r.new_image) for r in event]
    return composition.current().forwarder.forward(records)


@_on_the_bus("sign_heads")
def sign_heads(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Sign the heads of the streams in a batch of the bus."""
    return composition.current().head_signer.sign(records)


@_on_the_bus("archive_events")
def archive_events(records: "Iterable[BusRecord]") -> dict[str, Any]:
    """Archive the events of a batch of the bus."""
    return composition.current().archivist.archive(records)


@_on_the_queue("work")
def work(event: SQSEvent) -> dict[str, Any]:
    """Do the tasks of the work queue."""
    return _worked(event)


@_on_the_queue("deliver_webhooks")
def deliver_webhooks(event: SQSEvent) -> dict[str, Any]:
    """Do the tasks of the webhook queue, among them the requests to receivers."""
    return _worked(event)


@_on_the_queue("send_mails")
def send_mails(event: SQSEvent) -> dict[str, Any]:
    """Do the tasks of the mail queue, which send mails."""
    return _worked(event)


def _worked(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.platform.processes.worker import Message

    messages = [Message(record.to_dict()["messageId"], record.body) for record in event]
    return composition.current().worker.work(messages)


@_on_the_clock("retry_overdue")
def retry_overdue(_: CloudWatchEvent) -> None:
    """Run the watchdog: send a task for every process that is past its due time."""
    shop = composition.current()
    shop.processes.retry_overdue(shop.clock())


@_on_the_clock("verify_read_models")
def verify_read_models(_: CloudWatchEvent) -> None:
    """Run the reconciler: compare the heads of the log with the positions, and catch up what is behind."""
    composition.current().reconciler.run()


@app.lambda_function()
def print_tickets(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Print the tickets of a job; nothing of it is kept, and nothing else can be reached from here."""
    return composition.current().printer(event)


@app.lambda_function()
def migrate(_event: object, _context: object) -> dict[str, list[str]]:
    """Bring the schema of Postgres, which nobody reaches from outside the VPC, to that of a deployment."""
    return {"applied": composition.current().migrate()}


def _declare(function: Function, decorator: Declare, handle: Callable[[Any], Any]) -> None:
    """Give this module an entry point by the function's name, which is how Lambda finds it."""

    def entry_point(event: Any) -> Any:
        return handle(event)

    entry_point.__name__ = function.name
    entry_point.__doc__ = function.arrow
    globals()[function.name] = decorator(entry_point)


def _follow(read_model: str, records: "Iterable[BusRecord]") -> dict[str, Any]:
    return composition.current().consumer(read_model).consume(records)


def _run(context: Context, function: Function, _: CloudWatchEvent) -> None:
    context.load(function.run)(composition.current())


# Bus → read model, for each read model that a context declares, and for the process managers.
for follower in FOLLOWERS:
    _declare(follower, _on_the_bus(follower.name), partial(_follow, follower.read_model))

# Clock → context, for what contexts have done from time to time.
for owner, scheduled in contexts.functions():
    _declare(scheduled, _on_the_clock(scheduled.name), partial(_run, owner, scheduled))

if FUNCTION:
    function_run_by(FUNCTION).warm_up(composition.current())
    gc.freeze()  # nor need any later collection look at it
    gc.enable()
