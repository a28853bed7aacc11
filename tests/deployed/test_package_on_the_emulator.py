"""The very package, deployed to the AWS emulator through CloudFormation, with every call held to its function's policy.

The emulator does some things otherwise than AWS, and so they are not shown here: a batch of a stream that is answered
with `batchItemFailures` counts as done (of a queue it does not), no batch is bisected, shards are read one after the
other, a batching window is not waited for, and OPTIONS is answered without the headers of the API's definition.
`tests/architecture/package` holds the template to these; `tests/faults` shows what the handlers do with them.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError

from chalicelib.functions import FUNCTIONS
from chalicelib.platform.function import Schedule
from infra.names import logical_id
from infra.package import PROJECT
from local.issuer import GROUPS
from local.schedules import scheduled_event
from tests.journeys.shop import BUYER, cart_with, made, order_of, pay, publish_concert, refused
from tests.support.deployment import DeployedShop, eventually

pytestmark = pytest.mark.endurance

Json = dict[str, Any]
FREE: Json = {"price": {"amount": "0", "currency": "EUR"}}
JOURNEYS = ("tests/journeys/test_buying.py",)
PERSONS = 100
SCHEDULES = {logical_id(one): one.trigger for one in FUNCTIONS.values() if isinstance(one.trigger, Schedule)}
DAILY = tuple(name for name, schedule in SCHEDULES.items() if schedule.is_daily)
SCHEDULED = tuple(name for name in SCHEDULES if name not in DAILY)


def token(deployment: DeployedShop, role: str) -> str:
    """Of a new person."""
    return deployment.issuer.token(role, str(uuid4()))


def client(deployment: DeployedShop, role: str | None = None) -> httpx.Client:
    """A new person with this role, or a visitor."""
    headers = {"Authorization": f"Bearer {token(deployment, role)}"} if role else {}
    return httpx.Client(base_url=deployment.base_url, headers=headers, timeout=60)


def event_sources(deployment: DeployedShop) -> dict[str, str]:
    """How each one's last batch went, by the name of its function."""
    found = deployment.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return {source["FunctionArn"].rpartition(":")[2]: source["LastProcessingResult"] for source in found}


def orders_of(customer: httpx.Client) -> list[Json]:
    items: list[Json] = made(customer.get("/orders"))["items"]
    return items


def test_a_ticket_sold_through_the_api_is_seen_in_all_three_read_models(deployment: DeployedShop) -> None:
    organiser, customer, visitor = client(deployment, "organiser"), client(deployment, "customer"), client(deployment)
    name = f"Deployed {uuid4()}"
    concert = publish_concert(organiser, name=name)
    order_id = order_of(customer, concert.ticket_type_id, 2)
    assert made(pay(customer, order_id))["order_status"] == "confirmed"

    programme = eventually(lambda: made(visitor.get("/concerts", params={"q": name}))["items"], bool)
    assert [item["id"] for item in programme] == [concert.concert_id]

    orders = eventually(lambda: orders_of(customer), lambda found: found and found[0]["status"] == "confirmed")
    assert [(order["id"], order["status"]) for order in orders] == [(order_id, "confirmed")]

    stock = eventually(
        lambda: made(visitor.get(f"/concerts/{concert.concert_id}/availability")),
        lambda shown: shown["source"] == "read_model" and shown["ticket_types"][0]["sold"] == 2,
    )
    [floor] = stock["ticket_types"]
    assert (stock["source"], floor["available"], floor["held"], floor["sold"]) == ("read_model", 18, 0, 2)


def test_a_cancelled_concert_is_paid_back_through_processes_queue_and_worker(deployment: DeployedShop) -> None:
    organiser, customer = client(deployment, "organiser"), client(deployment, "customer")
    concert = publish_concert(organiser)
    order_id = order_of(customer, concert.ticket_type_id, 2)
    made(pay(customer, order_id))
    made(organiser.post(f"/concerts/{concert.concert_id}/cancel"))
    orders = eventually(lambda: orders_of(customer), lambda found: found and found[0]["status"] == "refunded")
    assert [(order["id"], order["status"]) for order in orders] == [(order_id, "refunded")]


def test_every_event_source_of_the_template_delivers(deployment: DeployedShop) -> None:
    declared = {
        deployment.name_of(logical_id)
        for logical_id, resource in deployment.template["Resources"].items()
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] in {"DynamoDB", "Kinesis", "SQS"}
    }
    results = eventually(
        lambda: event_sources(deployment), lambda found: all(result.startswith("OK") for result in found.values())
    )
    assert {name: result.partition(" ")[0] for name, result in results.items()} == dict.fromkeys(declared, "OK")
    heads = deployment.client("s3").list_objects_v2(Bucket=deployment.name_of("HeadsBucket"))
    assert heads["KeyCount"] > 0


def test_a_consumer_that_raises_gets_its_batch_again_until_it_succeeds(deployment: DeployedShop) -> None:
    functions, name = deployment.client("lambda"), deployment.name_of("ProjectCarts")
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    customer = client(deployment, "customer")
    concert = publish_concert(client(deployment, "organiser"), FREE)

    def configure(variables: Json) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    def failures() -> int:
        return sum("NotConfigured: READ_TABLE" in line for line in deployment.logged_by("ProjectCarts"))

    configure({variable: value for variable, value in settings.items() if variable != "READ_TABLE"})
    try:
        cart_id = cart_with(customer, concert.ticket_type_id, 1)
        order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
        assert eventually(failures, lambda count: count > 1) > 1
        assert event_sources(deployment)[name] == "FAILED"
        assert orders_of(customer) == []
    finally:
        configure(settings)
    assert [order["id"] for order in eventually(lambda: orders_of(customer), bool)] == [order_id]


def test_no_function_can_change_what_is_in_the_log(deployment: DeployedShop) -> None:
    concert = publish_concert(client(deployment, "organiser"))
    table = deployment.name_of("EventsTable")
    event: Json = {
        "TableName": table,
        "Key": {"AggregateId": {"S": concert.concert_id}, "AggregateVersion": {"N": "0"}},
    }
    before = deployment.client("dynamodb").get_item(**event)["Item"]
    edit = {"UpdateExpression": "SET #d = :d", "ExpressionAttributeNames": {"#d": "Data"}}
    for function in ("APIHandler", "Work", "RecordLapsedHolds"):
        dynamodb = deployment.client("dynamodb", **deployment.credentials_of(function))
        assert dynamodb.query(
            TableName=table,
            KeyConditionExpression="AggregateId = :id",
            ExpressionAttributeValues={":id": event["Key"]["AggregateId"]},
        )["Items"]
        with pytest.raises(ClientError, match="AccessDeniedException"):
            dynamodb.delete_item(**event)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            dynamodb.update_item(**event, **edit, ExpressionAttributeValues={":d": {"S": "{}"}})
    assert deployment.client("dynamodb").get_item(**event)["Item"] == before


def test_what_the_gateway_refuses_by_itself_is_a_problem_document(deployment: DeployedShop) -> None:
    refused(client(deployment).get("/nowhere"), 404, "not_found")
    refused(client(deployment).post("/venues", json={}), 401, "unauthenticated")


def test_the_journeys_can_judge_it_by_its_address(deployment: DeployedShop, tmp_path: Path) -> None:
    deployment.run_schedules(True)
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({role: [token(deployment, role) for _ in range(PERSONS)] for role in GROUPS}))
    judged = subprocess.run(  # noqa: S603 - arguments of our own
        [sys.executable, "-m", "pytest", *JOURNEYS, "--api-url", deployment.base_url, "--tokens", tokens],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout


def test_every_schedule_runs_its_function(deployment: DeployedShop) -> None:
    deployment.run_schedules(True)
    logs = eventually(
        lambda: {function: deployment.logged_by(function) for function in SCHEDULED}, lambda found: all(found.values())
    )
    assert {function for function, lines in logs.items() if lines} == set(SCHEDULED)


@pytest.mark.parametrize("function", DAILY)
def test_what_runs_once_a_day_can_be_run_at_any_time(deployment: DeployedShop, function: str) -> None:
    answer = deployment.client("lambda").invoke(
        FunctionName=deployment.name_of(function), Payload=json.dumps(scheduled_event())
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_every_function_did_its_work_and_was_allowed_to(deployment: DeployedShop) -> None:
    """The last test: it reads in the logs what the others have caused."""
    for function in map(logical_id, FUNCTIONS.values()):
        lines = deployment.logged_by(function)
        assert any(line.startswith("REPORT") for line in lines), function
        assert not [line for line in lines if "AccessDenied" in line], function
