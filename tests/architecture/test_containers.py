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
from chalicelib.functions import THE_API, WARM_UP
from chalicelib.platform.eventsourcing.event import event_classes
from infra.container import environment
from local.checkout import PROJECT

CHALICE = {"chalice"}
AWS_SDK = {"boto3", "botocore", "certifi", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
CRYPTOGRAPHY = {"_cffi_backend", "cryptography"}
POSTGRES = {"psycopg", "psycopg_binary", "psycopg_pool", "typing_extensions"}
REDIS = {"redis", "cryptography"}

LIBRARIES_OF_A_FUNCTION = {
    THE_API: CHALICE | AWS_SDK | PYDANTIC,
    "authorize": CHALICE | CRYPTOGRAPHY | {"jwt"},
    "forward_events": CHALICE | AWS_SDK,
    "project_programme": CHALICE | AWS_SDK | PYDANTIC | POSTGRES,
    "project_carts": CHALICE | AWS_SDK | PYDANTIC,
    "project_availability": CHALICE | AWS_SDK | PYDANTIC | REDIS,
    "run_processes": CHALICE | AWS_SDK | PYDANTIC,
    "sign_heads": CHALICE | AWS_SDK | PYDANTIC | CRYPTOGRAPHY,
    "archive_events": CHALICE | AWS_SDK | PYDANTIC | {"duckdb", "_duckdb"},
    "work": CHALICE | AWS_SDK | PYDANTIC,
    "push_on": CHALICE | AWS_SDK | PYDANTIC,
    "record_lapsed_holds": CHALICE | AWS_SDK | PYDANTIC | REDIS,
    "verify_read_models": CHALICE | AWS_SDK | PYDANTIC | POSTGRES | REDIS,
    "migrate": CHALICE | PYDANTIC | POSTGRES,
}
WITHOUT_BATCHES = {THE_API, "authorize", "push_on", "record_lapsed_holds", "verify_read_models", "migrate"}

FOLLOWERS = ("project_programme", "project_carts", "project_availability", "run_processes", "verify_read_models")

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


def test_every_function_has_its_parts() -> None:
    event_handlers = {source.name for source in app.app.event_sources}
    authorizers = {authorizer.name for authorizer in app.app.builtin_auth_handlers}
    others = {function.name for function in app.app.pure_lambda_functions}
    assert WARM_UP.keys() == event_handlers | authorizers | others | {THE_API}
    assert LIBRARIES_OF_A_FUNCTION.keys() == WARM_UP.keys()


@pytest.mark.parametrize("function", WARM_UP)
def test_a_container_imports_the_libraries_of_its_function_and_no_others(function: str) -> None:
    batch = [] if function in WITHOUT_BATCHES else ["empty batch"]
    assert set(in_a_container(function, LIBRARIES, *batch)) - {"_distutils_hack"} == LIBRARIES_OF_A_FUNCTION[function]


def test_a_container_that_has_started_collects_garbage_but_not_in_what_its_start_made() -> None:
    assert in_a_container("forward_events", GARBAGE) == [True, True]


@pytest.mark.parametrize("function", FOLLOWERS)
def test_a_container_that_follows_the_bus_knows_every_event(function: str) -> None:
    """One whose class nobody imported is poison if it is followed, and else, if it was imported, taken for no event."""
    for module in walk_packages(chalicelib.__path__, "chalicelib."):
        import_module(module.name)
    everything = [event.stored_name for event in event_classes() if event.__module__.startswith("chalicelib.")]
    assert in_a_container(function, EVENTS) == everything
