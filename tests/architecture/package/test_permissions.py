"""Every function may do what it does and no more."""

import json
import re
from typing import Any

import pytest

from chalicelib.composition import Composition
from chalicelib.platform.function import Bus, Function, LogStream, Need, Queue
from chalicelib.settings import NotConfigured, Settings
from tests.architecture.package.template import BY_ID, Json, environment_of, of_type
from tests.support.policies import ON_EVERY_RESOURCE

PARKING = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}
APPENDING = {"dynamodb:GetItem", "dynamodb:PartiQLInsert", "dynamodb:Query"}
RAISING = {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}
READING_THE_STREAM = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
CATCHING_UP = {"EventsTable": {"dynamodb:Query"}, "ParkedTable": PARKING}
READING_THE_BUS = {
    "EventBus": {
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    }
}
READING_A_SECRET = {"secretsmanager:GetSecretValue"}
OF_POSTGRES = {"DatabaseSecretId": READING_A_SECRET}
OF_THE_PROVIDERS = {"SandboxSecret": READING_A_SECRET, "StripeSecretId": READING_A_SECRET}
KEEPING = {"dynamodb:GetItem", "dynamodb:PutItem"}
SENDING = {"ses:SendEmail", "ses:SendRawEmail"}
VERIFYING = KEEPING | {"dynamodb:BatchGetItem"}
WHAT_A_NEED_MAY: dict[Need, dict[str, set[str]]] = {
    Need.APPEND: {"EventsTable": APPENDING, "SnapshotsTable": KEEPING},
    Need.READ_LOG: {"EventsTable": {"dynamodb:Query"}},
    Need.RAISE_EPOCHS: {"MarksTable": RAISING},
    Need.CACHE_SOLD_OUT: {"MarksTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"}},
    Need.LOOK_UP: {"EventsTable": {"dynamodb:BatchGetItem"}},
    Need.CATCH_UP: CATCHING_UP,
    Need.SET_ASIDE: {"ParkedTable": {"dynamodb:PutItem"}},
    Need.PUBLISH: {"EventBus": {"kinesis:PutRecords"}},
    Need.PROBE_BUS: {"EventBus": {"kinesis:DescribeStreamSummary"}},
    Need.READ_DOCUMENTS: {"ReadTable": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}},
    Need.WRITE_DOCUMENTS: {"ReadTable": KEEPING},
    Need.POSTGRES: OF_POSTGRES,
    Need.REDIS: {},
    Need.TOKENS: {"GuestKey": READING_A_SECRET},
    Need.PERSON_KEYS: {
        "PersonKeysTable": KEEPING | {"dynamodb:BatchGetItem"},
        "MasterKey": {"kms:Decrypt", "kms:Encrypt"},
    },
    Need.ERASE_PEOPLE: {
        "PersonKeysTable": {"dynamodb:PutItem"},
        "ReadTable": {"dynamodb:GetItem", "dynamodb:Query"},
        "UserPoolArn": {"cognito-idp:AdminDeleteUser"},
    },
    Need.DEADLINES: {},
    Need.PAYMENTS: {"SandboxTable": KEEPING, "CountersTable": {"dynamodb:UpdateItem"}} | OF_THE_PROVIDERS,
    Need.LIST_PAYMENTS: {"SandboxTable": {"dynamodb:Scan"}},
    Need.LIMIT_DECLINES: {"CountersTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"}},
    Need.LIMIT_GUESTS: {"CountersTable": {"dynamodb:UpdateItem"}},
    Need.ENQUEUE: {"WorkQueue": {"sqs:SendMessage"}},
    Need.ENQUEUE_WEBHOOKS: {"WebhookQueue": {"sqs:SendMessage"}},
    Need.DELIVER_WEBHOOKS: {"ProcessTable": KEEPING, "ReadTable": KEEPING | {"dynamodb:Query"}},
    Need.OVERDUE_WEBHOOKS: {"ProcessTable": {"dynamodb:Query", "dynamodb:UpdateItem"}},
    Need.ENQUEUE_MAILS: {"MailQueue": {"sqs:SendMessage"}},
    Need.SEND_MAILS: {"ProcessTable": KEEPING, "MailIdentityArn": SENDING, "MailEvents": SENDING},
    Need.OVERDUE_MAILS: {"ProcessTable": {"dynamodb:Query", "dynamodb:UpdateItem"}},
    Need.READ_PERSONS: {"PersonKeysTable": {"dynamodb:GetItem"}, "MasterKey": {"kms:Decrypt"}},
    Need.SEAL_SECRETS: {"MasterKey": {"kms:Decrypt"}},
    Need.COUNT_TASKS: {"WorkQueue": {"sqs:GetQueueAttributes"}},
    Need.DERIVE_IDS: {"IdKeySecretId": READING_A_SECRET},
    Need.SIGN_TICKETS: {"TicketKeySecretId": READING_A_SECRET},
    Need.SIGN_PASSES: {"WalletsSecretId": READING_A_SECRET},
    Need.PRINT_TICKETS: {"PrintTickets": {"lambda:InvokeFunction"}},
    Need.PAPER: {},
    Need.PROCESSES: {"ProcessTable": KEEPING},
    Need.OVERDUE_PROCESSES: {"ProcessTable": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"}},
    Need.VERIFY_LOG: {
        "EventsTable": {"dynamodb:Query", "dynamodb:Scan", *READING_THE_STREAM},
        "ParkedTable": PARKING | {"dynamodb:Scan"},
    },
    Need.VERIFY_DOCUMENTS: {"ReadTable": VERIFYING},
    Need.VERIFY_PROCESSES: {"ProcessTable": VERIFYING},
    Need.SIGN_HEADS: {"HeadsBucket": {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}, "SigningKey": {"kms:Sign"}},
    Need.WRITE_REGISTERS: {"HeadsBucket": {"s3:GetObject", "s3:PutObject"}},
    Need.READ_REGISTERS: {"HeadsBucket": {"s3:GetObject"}},
    Need.ARCHIVE: {"ArchiveBucket": {"s3:PutObject"}},
}


def what_a_trigger_may(function: Function) -> dict[str, set[str]]:
    match function.trigger:
        case LogStream():
            return {"EventsTable": READING_THE_STREAM | {"dynamodb:ListStreams"}}
        case Bus(reader="ArchiveReader"):
            return READING_THE_BUS | {"ArchiveReader": {"kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"}}
        case Bus(reader="AvailabilityFanOut"):
            return {"EventBus": READING_THE_BUS["EventBus"] | {"kinesis:SubscribeToShard"}}
        case Bus():
            return READING_THE_BUS
        case Queue(queue=queue):
            return {queue: {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}}
    return {}


def what_a_function_may(function: Function) -> dict[str, set[str]]:
    """By resource: what its trigger wants and what its needs want, and nothing else."""
    allowed: dict[str, set[str]] = {}
    for granted in [what_a_trigger_may(function), *(WHAT_A_NEED_MAY[need] for need in function.needs)]:
        for resource, actions in granted.items():
            allowed[resource] = allowed.get(resource, set()) | actions
    return allowed


WRITING_A_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}


def statements_of(resources: Json, function: str) -> list[Json]:
    """Those that some stage has, without those on every resource."""
    return [statement for statement in all_statements_of(resources, function) if statement["Resource"] != "*"]


def all_statements_of(resources: Json, function: str) -> list[Json]:
    role = resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]
    return [
        statement["Fn::If"][1] if "Fn::If" in statement else statement
        for policy in resources[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def owner_of(resource: Any) -> str:
    """The one resource or parameter of the template that an ARN in a policy belongs to."""
    if "Ref" in resource:
        return str(resource["Ref"])
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    if named := re.fullmatch(r"arn:.+:ses:.+:configuration-set/\$\{(\w+)\}", resource["Fn::Sub"]):
        return named[1]
    inside = r"index/ByOwner|index/ByDueTime|heads/\*|sold/\*|events/\*|stream/\*|consumer/\*"
    named = re.fullmatch(rf"\$\{{(\w+)\.Arn\}}/({inside})", resource["Fn::Sub"])
    assert named, resource
    return named[1]


def test_every_function_has_a_role_of_its_own_with_nothing_but_what_is_written_here(resources: Json) -> None:
    used = [resources[function]["Properties"]["Role"]["Fn::GetAtt"][0] for function in BY_ID]
    roles = of_type(resources, "AWS::IAM::Role")
    assert sorted(used) == sorted(roles)
    for role in roles.values():
        assert role.keys() <= {"AssumeRolePolicyDocument", "Policies", "Tags"}, role


def test_what_is_granted_on_every_resource_has_a_reason(resources: Json) -> None:
    for function, declared in BY_ID.items():
        everywhere = [one for one in all_statements_of(resources, function) if one["Resource"] == "*"]
        granted = [statement for statement in everywhere if statement["Effect"] == "Allow"]
        tracing, *network = [frozenset(statement["Action"]) for statement in granted]
        assert {tracing, *network} <= ON_EVERY_RESOURCE.keys(), function
        assert bool(network) == declared.is_inside, function
        assert all(statement.keys() == {"Effect", "Action", "Resource"} for statement in granted), function


def test_lambda_connects_a_function_to_the_vpc_and_its_code_cannot(resources: Json) -> None:
    for function in BY_ID:
        everywhere = [one for one in all_statements_of(resources, function) if one["Resource"] == "*"]
        granted = [one["Action"] for one in everywhere if one["Effect"] == "Allow" and one["Action"][0][:4] == "ec2:"]
        denied = [one for one in everywhere if one["Effect"] == "Deny"]
        assert [one["Action"] for one in denied] == granted, function
        for statement in denied:
            code = statement["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]["Fn::Sub"]
            assert code.endswith(":function:" + resources[function]["Properties"]["FunctionName"]["Fn::Sub"]), function


def test_every_function_may_do_what_it_does_and_no_more(resources: Json, functions: Json) -> None:
    assert functions.keys() == BY_ID.keys()
    for function, declared in BY_ID.items():
        expected = what_a_function_may(declared)
        allowed: dict[str, set[str]] = {}
        for statement in statements_of(resources, function):
            allowed.setdefault(owner_of(statement["Resource"]), set()).update(statement["Action"])
        assert allowed == expected | {f"{function}Logs": WRITING_A_LOG}, function


@pytest.mark.usefixtures("without_aws")
def test_every_function_that_may_append_does_so_in_the_way_that_it_may(
    resources: Json, functions: Json, sam: str
) -> None:
    parameter = json.loads(sam)["Parameters"]["AppendWith"]
    assert parameter["Default"] == "partiql"
    for function in functions:
        actions = {action for statement in statements_of(resources, function) for action in statement["Action"]}
        assert ("dynamodb:PartiQLInsert" in actions) == ("APPEND_WITH" in environment_of(functions, function)), function
    for way in parameter["AllowedValues"]:
        assert Composition(Settings(events_table="log", append_with=way)).event_store


def test_a_way_of_appending_that_does_not_exist_is_a_fault_of_the_deployment() -> None:
    with pytest.raises(NotConfigured, match="APPEND_WITH"):
        Settings.from_environment({"EVENTS_TABLE": "log", "APPEND_WITH": "pray"})


def test_nobody_can_delete_what_says_that_a_person_was_erased(resources: Json) -> None:
    """Else the person could be given another key."""
    for function in BY_ID:
        for statement in statements_of(resources, function):
            if owner_of(statement["Resource"]) != "ParkedTable":
                assert "dynamodb:DeleteItem" not in statement["Action"], function


def test_only_the_api_and_the_worker_can_erase_the_key_of_a_person(resources: Json) -> None:
    writing = {
        declared.name
        for function, declared in BY_ID.items()
        for statement in statements_of(resources, function)
        if owner_of(statement["Resource"]) == "PersonKeysTable" and "dynamodb:PutItem" in statement["Action"]
    }
    assert writing == {"api_handler", "work"}
