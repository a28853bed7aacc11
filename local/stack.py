"""Runs AWS, Postgres and Redis on this machine, and removes every trace of them at the end."""

import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from local.checkout import PROJECT
from local.emulator import Emulator
from local.issuer import Issuer
from local.keys import LOCAL_ID_KEY, LOCAL_TICKET_KEY, ensure_master_key, ensure_shared_secret
from local.postgres import Postgres, unprivileged_user
from local.throwaway import ThrowawayDirectory
from local.valkey import Valkey

if TYPE_CHECKING:
    from local.resources import Aws, Resources

RESOURCE_FILE = PROJECT / "infra" / "resources.json"
STAGE = "dev"

EMPTY_DATABASE = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%';
do $$
declare name text;
begin
  for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('drop schema %I cascade', name);
  end loop;
end $$;
create schema public;
"""


def no_migration(database_url: str) -> None:
    """Migrate nothing, for tests that bring their own tables."""


def no_report(what: str, seconds: float) -> None:
    """Report nothing, because tests need no progress."""


class Stack:
    """Runs the servers and their resources.

    `directory` stores what outlives a run (the issuer's and the master key); the data lies in a throwaway directory.
    Enter it in the main thread: on Linux the servers live exactly as long as the process, otherwise through a watcher.
    """

    def __init__(
        self,
        directory: Path,
        *,
        migrate: Callable[[str], object] = no_migration,
        resources: Path = RESOURCE_FILE,
        report: Callable[[str, float], None] = no_report,
    ) -> None:
        self.directory = directory
        self._migrate = migrate
        self._resource_file = resources
        self._report = report
        self._exit = ExitStack()
        self._began = 0.0
        self.data_directory: Path
        self.emulator: Emulator
        self.postgres: Postgres
        self.valkey: Valkey
        self.issuer: Issuer
        self.aws: Aws
        self._resources: Resources

    def __enter__(self) -> "Stack":
        with ExitStack() as undo:
            self._start(undo)
            self._exit = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _start(self, undo: ExitStack) -> None:
        self._began = time.monotonic()
        self.directory.mkdir(parents=True, exist_ok=True)
        user = unprivileged_user()
        self.data_directory = undo.enter_context(ThrowawayDirectory(user))
        self.postgres = Postgres(self.data_directory, user)
        self.emulator = Emulator(self.data_directory)
        self.valkey = Valkey(self.data_directory)
        undo.callback(self._end)
        for server in (self.postgres, self.emulator, self.valkey):
            server.begin()
        # The slow parts of our own start are done while the servers do theirs.
        self.issuer = Issuer.in_directory(self.directory)
        ensure_master_key(self.directory / "master.key")
        ensure_master_key(self.directory / "signing.key")
        _ensure_wallets(self.directory / "wallets.json")
        self.aws = _clients(self.emulator.url)
        self.valkey.wait_ready()
        self._done("Redis")
        self.postgres.wait_ready()
        self._migrate(self.postgres.url)
        self._done("Postgres, migrated")
        self.emulator.wait_ready()
        self._create_resources()
        self._empty_mail_folder()
        self._done("DynamoDB, Kinesis, SQS, S3")

    def _end(self) -> None:
        self.emulator.process.ask_to_stop(signal.SIGKILL)
        self.valkey.ask_to_end()
        self.postgres.ask_to_end()
        self.emulator.process.stop()
        self.valkey.process.stop()
        self.postgres.wait_ended()

    def reset(self) -> None:
        """Empty everything and start every server.

        The events table has a new stream afterwards: `environment` has its ARN.
        """
        self.ensure_running()
        self.emulator.reset()
        self._create_resources()
        self.valkey.forget_everything()
        self._empty_postgres()
        self._empty_mail_folder()
        self._migrate(self.postgres.url)

    def ensure_running(self) -> None:
        for process in (self.emulator.process, self.valkey.process):
            process.resume()
        if not self.emulator.process.running:
            self.emulator.begin()
            self.emulator.wait_ready()
        if not self.valkey.process.running:
            self.valkey.start()
        if not self.postgres.process.running:
            self.postgres.start()

    @property
    def environment(self) -> dict[str, str]:
        from local.resources import CREDENTIALS, REGION  # noqa: PLC0415 - see _clients

        return {
            "STAGE": STAGE,
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_DEFAULT_REGION": REGION,
            **CREDENTIALS,
            "EVENTS_TABLE": self._resources.names["EventsTable"],
            "EVENTS_STREAM_ARN": self._resources.stream_arns["EventsTable"],
            "EVENT_BUS": self._resources.names["EventBus"],
            "SNAPSHOTS_TABLE": self._resources.names["SnapshotsTable"],
            "MARKS_TABLE": self._resources.names["MarksTable"],
            "READ_TABLE": self._resources.names["ReadTable"],
            "PERSON_KEYS_TABLE": self._resources.names["PersonKeysTable"],
            "PARKED_TABLE": self._resources.names["ParkedTable"],
            "PROCESS_TABLE": self._resources.names["ProcessTable"],
            "WORK_QUEUE": self._resources.queue_urls["WorkQueue"].rpartition("/")[2],
            "WORK_QUEUE_URL": self._resources.queue_urls["WorkQueue"],
            "WEBHOOK_QUEUE": self._resources.queue_urls["WebhookQueue"].rpartition("/")[2],
            "WEBHOOK_QUEUE_URL": self._resources.queue_urls["WebhookQueue"],
            "WEBHOOK_RECEIVERS": "loopback",
            "MAIL_QUEUE": self._resources.queue_urls["MailQueue"].rpartition("/")[2],
            "MAIL_QUEUE_URL": self._resources.queue_urls["MailQueue"],
            "MAIL_FROM": "tickets@cloudbash.example",
            "MAIL_FOLDER": str(self.mail_folder),
            "PUBLIC_API_URL": "http://127.0.0.1:8000",
            "COUNTERS_TABLE": self._resources.names["CountersTable"],
            "DECLINES_PER_ADDRESS": "1000000",  # everybody is at 127.0.0.1
            "SANDBOX_TABLE": self._resources.names["SandboxTable"],
            "SANDBOX_SECRET": ensure_shared_secret(self.directory / "sandbox.key"),
            "ID_KEY": LOCAL_ID_KEY,
            "TICKET_KEY": LOCAL_TICKET_KEY,
            "WALLETS_FILE": str((self.directory / "wallets.json").resolve()),
            "GUEST_KEY": ensure_shared_secret(self.directory / "guest.key"),
            "GUESTS_PER_ADDRESS": "1000000",
            "GUEST_TICKETS_PER_ADDRESS": "1000000",
            "DATABASE_URL": self.postgres.url,
            "QUERY_PATIENCE": "10",  # tests and neighbours take the processors
            "REDIS_URL": self.valkey.url,
            "JWT_ISSUER": self.issuer.issuer,
            "JWT_AUDIENCE": self.issuer.audience,
            "JWKS_FILE": str(self.issuer.jwks_file.resolve()),
            "ARCHIVE_BUCKET": self._resources.names["ArchiveBucket"],
            "HEADS_BUCKET": self._resources.names["HeadsBucket"],
            "CERTIFICATE_MINUTES": "1",
            "SIGNING_KEY_FILE": str((self.directory / "signing.key").resolve()),
            "MASTER_KEY_FILE": str((self.directory / "master.key").resolve()),
        }

    @property
    def mail_folder(self) -> Path:
        return (self.directory / "mails").resolve()

    @property
    def pids(self) -> dict[str, int]:
        processes = (self.emulator.process, self.postgres.process, self.valkey.process)
        return {process.name: process.pid for process in processes if process.running}

    def ended_servers(self) -> list[str]:
        """List the servers that ended though nobody asked them to, with the end of their logs."""
        from local.processes import tail  # noqa: PLC0415 - only when something is wrong

        processes = (self.emulator.process, self.postgres.process, self.valkey.process)
        return [f"{p.name} ended with status {p.status()}\n{tail(p.log)}" for p in processes if not p.running]

    def _create_resources(self) -> None:
        from local.resources import create_resources  # noqa: PLC0415 - see _clients

        self._resources = create_resources(self.aws, self._resource_file, {"Stage": STAGE})

    def _empty_mail_folder(self) -> None:
        """Delete the mails of an earlier run, whose people are gone with its data."""
        shutil.rmtree(self.mail_folder, ignore_errors=True)

    def _empty_postgres(self) -> None:
        import psycopg  # noqa: PLC0415 - a start without a reset does without it

        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute("set client_min_messages = warning; set lock_timeout = '10s'")
            connection.execute(EMPTY_DATABASE)

    def _done(self, what: str) -> None:
        self._report(what, time.monotonic() - self._began)


def _ensure_wallets(path: Path) -> None:
    from local.wallets import ensure_wallets  # noqa: PLC0415 - as below

    ensure_wallets(path)


def _clients(endpoint_url: str) -> "Aws":
    """Make the clients. Importing boto3 takes a third of a second, and the servers start meanwhile."""
    from local.resources import Aws  # noqa: PLC0415

    aws = Aws(endpoint_url)
    _ = aws.dynamodb, aws.kinesis
    return aws
