"""The demo shop has been open for a while: there are concerts, and there were sales."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from local import ports
from local.checkout import PROJECT
from local.demo import PROGRAMME
from local.resources import Aws

pytestmark = pytest.mark.needs_the_stack


def test_the_demo_shop_has_had_sales_and_reports_have_something_to_show(tmp_path: Path) -> None:
    state = tmp_path / "state"
    environment = {**os.environ, "PORT": str(ports.free_port())}
    command = [sys.executable, "-m", "local", "--state", str(state)]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE) as run:  # noqa: S603
        assert run.stdout is not None
        assert any("Ready" in line for line in run.stdout)
        stack = json.loads((state / "stack.json").read_text())
        log = DynamoDBEventStore(Aws(stack["AWS_ENDPOINT_URL"]).dynamodb, stack["EVENTS_TABLE"], stack["MARKS_TABLE"])
        happened = Counter(event.event_type.rpartition(".")[2] for page in log.scan() for event in page.events)
        run.terminate()
    programme = json.loads(PROGRAMME.read_text())
    assert happened["ConcertPublishedEvent"] == len(programme["concerts"])
    assert happened["OrderConfirmedEvent"] == len(programme["sales"])
    assert {name for name, *_ in programme["sales"]} == set(programme["customers"])
