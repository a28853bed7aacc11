"""What a container imports before its first call: another library is another wait for whoever calls first."""

import json
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest

import app
import chalicelib
from chalicelib.functions import API_HANDLER, FOLLOWERS, FUNCTIONS, handler_of
from chalicelib.platform.eventsourcing.event import event_classes
from chalicelib.platform.function import Bus, Function, Http, LogStream, Need, Queue
from infra.container import environment
from local.checkout import PROJECT

CHALICE = {"chalice"}
AWS_SDK = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3"}
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
CRYPTOGRAPHY = {"_cffi_backend", "cryptography"}
POSTGRES = {"psycopg", "psycopg_binary", "psycopg_pool", "typing_extensions"}
REDIS = {"redis", "cryptography"} | ({"async_timeout"} if sys.version_info < (3, 11, 3) else set())
"""Lambda's Python 3.11 is newer: what redis wants below 3.11.3 does not ship."""

DUCKDB = {"duckdb", "_duckdb"}

LIBRARIES_OF_A_NEED: dict[Need, set[str]] = {
    Need.APPEND: AWS_SDK | PYDANTIC,
    Need.READ_LOG: AWS_SDK | PYDANTIC,
    Need.CATCH_UP: AWS_SDK | PYDANTIC,
    Need.VERIFY_LOG: AWS_SDK | PYDANTIC,
    Need.PUBLISH: AWS_SDK,
    Need.OVERDUE_PROCESSES: AWS_SDK | PYDANTIC,
    Need.OVERDUE_WEBHOOKS: AWS_SDK | PYDANTIC,
    Need.OVERDUE_MAILS: AWS_SDK | PYDANTIC,
    Need.READ_PERSONS: AWS_SDK | CRYPTOGRAPHY,
    Need.SEAL_SECRETS: AWS_SDK | CRYPTOGRAPHY,
    Need.POSTGRES: POSTGRES | PYDANTIC,
    Need.REDIS: REDIS,
    Need.TOKENS: CRYPTOGRAPHY | {"jwt"},
    Need.ERASE_PEOPLE: AWS_SDK | CRYPTOGRAPHY,
    Need.SIGN_HEADS: AWS_SDK | CRYPTOGRAPHY,
    Need.ARCHIVE: AWS_SDK | DUCKDB,
    Need.PAPER: PYDANTIC | {"pymupdf_fonts", "typst"},
}
"""The others use what these have imported."""

NEEDED_BY_SOME_REQUESTS = set(Need) - {Need.APPEND}
"""What the API imports when the first request comes that needs it."""

FOLLOWING = [*(function.name for function in FOLLOWERS), "verify_read_models"]


def libraries_of(function: Function) -> set[str]:
    needs = function.needs - (NEEDED_BY_SOME_REQUESTS if isinstance(function.trigger, Http) else set())
    return CHALICE.union(*(LIBRARIES_OF_A_NEED.get(need, set()) for need in needs))


LIBRARIES = """
import json, sys
import app
if "empty batch" in sys.argv:
    getattr(app, app.FUNCTION)({"Records": []}, None)
files = {(name.split(".")[0], getattr(module, "__file__", None) or "") for name, module in sys.modules.items()}
json.dump([name for name, file in files if "site-packages" in file], sys.stdout)
"""
EVENTS = """
import json, sys
import app
from chalicelib.platform.eventsourcing.event import event_classes
json.dump([event.stored_name for event in event_classes()], sys.stdout)
"""
GARBAGE = """
import gc, json, sys
import app
json.dump([gc.isenabled(), gc.get_freeze_count() > 0], sys.stdout)
"""


def in_a_container(function: str, program: str, *arguments: str) -> Any:
    """What the program prints as JSON, run as Lambda runs the function; there is no server for it to ask."""
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *arguments],
        cwd=PROJECT,
        env=environment(function),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_table_has_every_function_that_chalice_declares() -> None:
    event_handlers = {source.name for source in app.app.event_sources}
    authorizers = {authorizer.name for authorizer in app.app.builtin_auth_handlers}
    others = {function.name for function in app.app.pure_lambda_functions}
    assert FUNCTIONS.keys() == event_handlers | authorizers | others | {API_HANDLER}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_container_imports_the_libraries_of_its_function_and_no_others(name: str) -> None:
    function = FUNCTIONS[name]
    batch = ["empty batch"] if isinstance(function.trigger, LogStream | Bus | Queue) else []
    imported = set(in_a_container(handler_of(function), LIBRARIES, *batch))
    assert imported - {"_distutils_hack"} == libraries_of(function)


def test_a_container_that_has_started_collects_garbage_but_not_in_what_its_start_made() -> None:
    assert in_a_container("forward_events", GARBAGE) == [True, True]


@pytest.mark.parametrize("function", FOLLOWING)
def test_a_container_that_follows_the_bus_knows_every_event(function: str) -> None:
    """One whose class nobody imported is poison if it is followed, and else, if it was imported, taken for no event."""
    for module in walk_packages(chalicelib.__path__, "chalicelib."):
        import_module(module.name)
    everything = [event.stored_name for event in event_classes() if event.__module__.startswith("chalicelib.")]
    assert in_a_container(function, EVENTS) == everything
