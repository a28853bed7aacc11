"""Lists the Lambda functions, in the one table of them.

`app.py` declares them with their triggers. The template's settings and permissions, and the alarms, follow from their
needs. What every call of a function needs is made as its container starts; what only some calls need is made by the
first of those: so the API loads no database driver for a buyer who needs only the log.
"""

from chalicelib import contexts
from chalicelib.platform.function import (
    Authorizer,
    Bus,
    Function,
    Http,
    Invoked,
    LogStream,
    Need,
    Queue,
    Schedule,
)
from chalicelib.platform.manifest import ReadModelDeclaration, Store

API_HANDLER = "api_handler"
"""The name under which Chalice configures the function of the routes; its handler is `app.app`."""

PROCESSES = "processes"

_WRITING = {Store.POSTGRES: Need.POSTGRES, Store.DOCUMENTS: Need.WRITE_DOCUMENTS, Store.REDIS: Need.REDIS}


def _follower(model: ReadModelDeclaration) -> Function:
    """Define the function that keeps a read model current."""
    needs = frozenset({Need.CATCH_UP, _WRITING[model.store]})
    arrow = f"Bus → {model.store.value}: {model.name}"
    return Function(model.function, arrow, model.trigger, needs, read_model=model.name)


_PLATFORM = (
    Function(
        API_HANDLER,
        "API Gateway → commands and queries",
        Http(),
        frozenset(
            {
                Need.APPEND,
                Need.RAISE_EPOCHS,
                Need.CACHE_SOLD_OUT,
                Need.LOOK_UP,
                Need.READ_DOCUMENTS,
                Need.POSTGRES,
                Need.REDIS,
                Need.TOKENS,
                Need.PERSON_KEYS,
                Need.DEADLINES,
                Need.PAYMENTS,
                Need.LIMIT_DECLINES,
                Need.LIMIT_GUESTS,
                Need.ENQUEUE,
                Need.ENQUEUE_WEBHOOKS,
                Need.DERIVE_IDS,
                Need.SIGN_TICKETS,
                Need.PRINT_TICKETS,
                Need.SIGN_PASSES,
                Need.READ_REGISTERS,
                Need.PROBE_BUS,
            }
        ),
        makes=("repository",),
        memory=1024,
        timeout=29,  # API Gateway waits no longer
        layers=("print",),
    ),
    Function(
        "authorize",
        "API Gateway → who is calling",
        Authorizer(),
        frozenset({Need.TOKENS, Need.READ_LOG}),
        makes=("verifier", "account_streams"),
        memory=1024,
        timeout=20,  # longer than the SDK waits for a log that does not answer, so that the token counts then
    ),
    Function(
        "forward_events",
        "Log → bus",
        LogStream(),
        frozenset({Need.PUBLISH, Need.SET_ASIDE}),
        makes=("forwarder",),
    ),
    Function(
        "run_processes",
        "Bus → process managers",
        Bus(),
        frozenset({Need.CATCH_UP, Need.PROCESSES, Need.ENQUEUE, Need.ENQUEUE_WEBHOOKS, Need.ENQUEUE_MAILS}),
        makes=("webhook_queue", "mail_queue"),
        read_model=PROCESSES,
    ),
    Function(
        "sign_heads",
        "Bus → archive of signed heads",
        # One batch at a time from each shard: its documents are a chain.
        Bus(batch_size=10_000, window_seconds=300, parallel=1),
        frozenset({Need.SIGN_HEADS}),
        makes=("head_signer",),
    ),
    Function(
        "archive_events",
        "Bus → archive of all events",
        Bus(batch_size=10_000, window_seconds=300, parallel=1, reader="ArchiveReader"),
        frozenset({Need.ARCHIVE, Need.SET_ASIDE}),
        makes=("archivist",),
        memory=1024,
        layers=("archive",),
    ),
    Function(
        "work",
        "Work queue → commands and the world outside",
        Queue(),
        frozenset({Need.APPEND, Need.RAISE_EPOCHS, Need.PAYMENTS, Need.ENQUEUE, Need.DERIVE_IDS, Need.ERASE_PEOPLE}),
        makes=("worker", "repository", "gateways", "work_queue", "ids", "vault"),
        timeout=150,
    ),
    Function(
        "deliver_webhooks",
        "Webhook queue → the receivers of organisers",
        Queue(batch_size=1, most_at_once=20, queue="WebhookQueue"),
        frozenset(
            {
                Need.APPEND,
                Need.LOOK_UP,
                Need.DELIVER_WEBHOOKS,
                Need.SEAL_SECRETS,
                Need.ENQUEUE_WEBHOOKS,
            }
        ),
        makes=(
            "worker",
            "repository",
            "webhook_queue",
            "webhook_groups",
            "webhook_deliveries",
            "webhook_receivers",
            "webhook_secrets",
        ),
        timeout=150,
    ),
    Function(
        "send_mails",
        "Mail queue → buyers, by SES",
        Queue(most_at_once=5, queue="MailQueue"),
        frozenset(
            {
                Need.APPEND,
                Need.SEND_MAILS,
                Need.READ_PERSONS,
                Need.DERIVE_IDS,
                Need.ENQUEUE_MAILS,
                Need.SIGN_TICKETS,
                Need.PRINT_TICKETS,
            }
        ),
        makes=("worker", "repository", "mails", "mail_sender", "mail_queue", "vault", "ids", "ticket_files"),
        timeout=150,
        layers=("mail",),
    ),
    Function(
        "retry_overdue",
        "Clock → work queue: the watchdog, for processes that are past their due time",
        Schedule(),
        frozenset({Need.OVERDUE_PROCESSES, Need.ENQUEUE, Need.COUNT_TASKS}),
        makes=("processes",),
    ),
    Function(
        "verify_read_models",
        "Clock → read models: the reconciler, from the heads of the log",
        Schedule(),
        frozenset(
            {
                Need.VERIFY_LOG,
                Need.VERIFY_DOCUMENTS,
                Need.VERIFY_PROCESSES,
                Need.ENQUEUE,
                Need.ENQUEUE_WEBHOOKS,
                Need.ENQUEUE_MAILS,
                Need.POSTGRES,
                Need.REDIS,
            }
        ),
        makes=("reconciler", "webhook_queue", "mail_queue"),
        timeout=120,
    ),
    Function(
        "print_tickets",
        "The API → tickets on paper",
        Invoked(),
        frozenset({Need.PAPER}),
        makes=("printer",),
        memory=1769,  # one whole processor
        timeout=25,  # the API waits no longer
        layers=("paper", "fonts"),
    ),
    Function(
        "migrate",
        "A deployment → the schema of Postgres, which nobody reaches from outside",
        Invoked(),
        frozenset({Need.POSTGRES}),
        makes=("postgres",),
        timeout=900,
    ),
)

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        *_PLATFORM,
        *(_follower(model) for _, model in contexts.read_models().values()),
        *(function for _, function in contexts.functions()),
    )
}
"""Every function by its name."""

FOLLOWERS = tuple(function for function in FUNCTIONS.values() if function.read_model)
"""The functions that keep a read model current from the bus."""


def handler_of(function: Function) -> str:
    """Return the name that Lambda calls in `app.py`."""
    return "app" if function.name == API_HANDLER else function.name


def function_run_by(handler: str) -> Function:
    """Return the function whose handler in `app.py` has this name. Raises KeyError."""
    return FUNCTIONS[API_HANDLER if handler == "app" else handler]
