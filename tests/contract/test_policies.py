"""IAM's own word, as the emulator's simulator has it, on who may do what with an event."""

import json
from collections.abc import Sequence
from typing import Any

import boto3
import pytest

from chalicelib.functions import FUNCTIONS
from chalicelib.platform.function import Need
from local.emulator import Emulator
from tests.support.policies import arn_of, policy_files, resolved_policy

LOG = arn_of("EventsTable")
APPENDING = {"dynamodb:PartiQLInsert"}
READING = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:BatchGetItem"}
CHANGING = [
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
]
"""A put overwrites, and IAM cannot ask it for a condition; a batch of writes has no condition at all."""
CHANGING_THE_TABLE = [
    "dynamodb:UpdateTable",
    "dynamodb:DeleteTable",
    "dynamodb:UpdateTimeToLive",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:RestoreTableFromBackup",
    "dynamodb:RestoreTableToPointInTime",
    "dynamodb:ImportTable",
    "dynamodb:PutResourcePolicy",
    "dynamodb:DeleteResourcePolicy",
]
READING_BY_NEED = {
    Need.APPEND: APPENDING | {"dynamodb:Query", "dynamodb:GetItem"},
    Need.LOOK_UP: {"dynamodb:BatchGetItem"},
    Need.CATCH_UP: {"dynamodb:Query"},
    Need.READ_LOG: {"dynamodb:Query"},
    Need.VERIFY_LOG: {"dynamodb:Query", "dynamodb:Scan"},
}


@pytest.fixture(scope="module")
def iam(contract_session: boto3.session.Session, contract_emulator: Emulator) -> Any:
    return contract_session.client("iam", endpoint_url=contract_emulator.url)


def allowed(iam: Any, policy: str, actions: Sequence[str]) -> set[str]:
    """Those of the actions that the policy allows on the log."""
    reply = iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=list(actions), ResourceArns=[LOG])
    decisions = {result["EvalActionName"]: result["EvalDecision"] for result in reply["EvaluationResults"]}
    assert decisions.keys() == set(actions)
    assert set(decisions.values()) <= {"allowed", "implicitDeny"}
    return {action for action, decision in decisions.items() if decision == "allowed"}


@pytest.mark.parametrize("function", policy_files())
def test_no_function_may_change_overwrite_or_remove_an_event(iam: Any, function: str) -> None:
    assert allowed(iam, resolved_policy(function), [*CHANGING, *CHANGING_THE_TABLE]) == set()


@pytest.mark.parametrize("function", policy_files())
def test_a_function_may_append_to_the_log_or_read_it_if_that_is_what_it_does(iam: Any, function: str) -> None:
    assert allowed(iam, resolved_policy(function), sorted(APPENDING | READING)) == set().union(
        *(READING_BY_NEED.get(need, set()) for need in FUNCTIONS[function].needs)
    )


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:*", LOG),
        ("dynamodb:P*", LOG),
        ("*", "*"),
        ("dynamodb:PutItem", LOG),
        ("dynamodb:DeleteItem", LOG.replace("EventsTable", "*")),
        ("dynamodb:PartiQLUpdate", f"{LOG}*"),
    ],
)
def test_the_simulator_sees_who_may_change_an_event(iam: Any, action: str, resource: str) -> None:
    statement = {"Effect": "Allow", "Action": [action], "Resource": resource}
    assert allowed(iam, json.dumps({"Version": "2012-10-17", "Statement": [statement]}), CHANGING)
