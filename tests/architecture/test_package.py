"""What would be deployed: the package that `make package` builds."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from importlib.util import source_hash
from pathlib import Path, PurePosixPath
from typing import Any
from unittest.mock import MagicMock
from zipfile import ZipFile

import boto3
import pytest
from chalice.app import ScheduledEventConfig

import app
from chalicelib.composition import Composition, migrations
from chalicelib.functions import FUNCTIONS, PROCESSES, handler_of
from chalicelib.platform.function import Bus, Function, LogStream, Need, Queue
from chalicelib.settings import NotConfigured, Settings
from infra import package as packaging
from infra import runtime, wheels
from infra.bytecode import LEFT_OUT
from infra.checks import findings, translate
from infra.container import ARCHIVE, AWS_SDK, CODE, DEPENDENCIES, SDK, unpack
from infra.layers import Layers
from infra.names import logical_id
from infra.package import COMPILER, PROJECT, REGION, Packaging
from infra.wheels import PackagingFailed
from local import gateway, server
from tests.support.policies import ON_EVERY_RESOURCE

BY_ID = {logical_id(function): function for function in FUNCTIONS.values()}


def make_what_it_needs(function: str, shop: Composition) -> None:
    """As a container does before its first call; of the API also what only some requests need."""
    BY_ID[function].warm_up(shop)
    if function == "APIHandler":
        _ = shop.vault, shop.gateways, shop.work_queue, shop.verifier, shop.postgres, shop.redis
        for name in shop.read_model_names:
            if name != PROCESSES:
                shop.read_model(name)
        shop.probes["event_bus"]()


NEEDED_BY_SOME_STAGES = {"DATABASE_SECRET_ID", "STRIPE_SECRET_ID"}
"""Without the one DATABASE_URL says who we are; without the other the provider is not admitted."""

PARKING = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}
APPENDING = {"dynamodb:GetItem", "dynamodb:PartiQLInsert", "dynamodb:Query"}
RAISING = {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}
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
VERIFYING = KEEPING | {"dynamodb:BatchGetItem"}
WHAT_A_NEED_MAY: dict[Need, dict[str, set[str]]] = {
    Need.APPEND: {"EventsTable": APPENDING, "SnapshotsTable": KEEPING},
    Need.RAISE_EPOCHS: {"MarksTable": RAISING},
    Need.CACHE_SOLD_OUT: {"MarksTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"}},
    Need.CATCH_UP: CATCHING_UP,
    Need.SET_ASIDE: {"ParkedTable": {"dynamodb:PutItem"}},
    Need.PUBLISH: {"EventBus": {"kinesis:PutRecords"}},
    Need.PROBE_BUS: {"EventBus": {"kinesis:DescribeStreamSummary"}},
    Need.READ_DOCUMENTS: {"ReadTable": {"dynamodb:GetItem", "dynamodb:Query"}},
    Need.WRITE_DOCUMENTS: {"ReadTable": KEEPING},
    Need.POSTGRES: OF_POSTGRES,
    Need.REDIS: {},
    Need.TOKENS: {},
    Need.PERSON_KEYS: {"PersonKeysTable": KEEPING, "MasterKey": {"kms:Decrypt", "kms:Encrypt"}},
    Need.DEADLINES: {},
    Need.PAYMENTS: {"SandboxTable": KEEPING} | OF_THE_PROVIDERS,
    Need.ENQUEUE: {"WorkQueue": {"sqs:SendMessage"}},
    Need.PROCESSES: {"ProcessTable": KEEPING},
    Need.OVERDUE_PROCESSES: {"ProcessTable": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"}},
    Need.VERIFY_LOG: {"EventsTable": {"dynamodb:Query", "dynamodb:Scan"}, "ParkedTable": PARKING | {"dynamodb:Scan"}},
    Need.VERIFY_DOCUMENTS: {"ReadTable": VERIFYING},
    Need.VERIFY_PROCESSES: {"ProcessTable": VERIFYING},
    Need.SIGN_HEADS: {"HeadsBucket": {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}, "SigningKey": {"kms:Sign"}},
    Need.ARCHIVE: {"ArchiveBucket": {"s3:PutObject"}},
}


def what_a_trigger_may(function: Function) -> dict[str, set[str]]:
    match function.trigger:
        case LogStream():
            reading = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}
            return {"EventsTable": {f"dynamodb:{action}" for action in reading}}
        case Bus(reader="ArchiveReader"):
            return READING_THE_BUS | {"ArchiveReader": {"kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"}}
        case Bus(reader="AvailabilityFanOut"):
            return {"EventBus": READING_THE_BUS["EventBus"] | {"kinesis:SubscribeToShard"}}
        case Bus():
            return READING_THE_BUS
        case Queue():
            return {"WorkQueue": {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}}
    return {}


def what_a_function_may(function: Function) -> dict[str, set[str]]:
    """By resource: what its trigger wants and what its needs want, and nothing else."""
    allowed: dict[str, set[str]] = {}
    for granted in [what_a_trigger_may(function), *(WHAT_A_NEED_MAY[need] for need in function.needs)]:
        for resource, actions in granted.items():
            allowed[resource] = allowed.get(resource, set()) | actions
    return allowed


WRITING_A_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}

Json = dict[str, Any]


@pytest.fixture(scope="session")
def package() -> Path:
    """Built anew whenever something has changed: a test of yesterday's package proves nothing."""
    built = Packaging()
    built.build()
    return built.package


@pytest.fixture(scope="session")
def sam(package: Path) -> str:
    return (package / "sam.json").read_text()


@pytest.fixture(scope="session")
def resources(sam: str) -> Json:
    """What CloudFormation is asked for, SAM's resources translated."""
    translated: Json = translate(json.loads(sam), REGION)["Resources"]
    return translated


@pytest.fixture(scope="session")
def functions(resources: Json) -> Json:
    return of_type(resources, "AWS::Lambda::Function")


@pytest.fixture(scope="session")
def event_sources(resources: Json) -> list[Json]:
    return list(of_type(resources, "AWS::Lambda::EventSourceMapping").values())


@pytest.fixture(scope="session")
def responses(sam: str) -> Json:
    body: Json = json.loads(sam)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    found: Json = body["x-amazon-apigateway-gateway-responses"]
    return found


def of_type(resources: Json, kind: str) -> Json:
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def names_in(zipped: Path) -> set[str]:
    with ZipFile(zipped) as archive:
        return set(archive.namelist())


def test_lambda_names_every_function_as_its_parts_are_named(functions: Json) -> None:
    assert {function["Handler"] for function in functions.values()} == {
        f"app.{handler_of(one)}" for one in FUNCTIONS.values()
    }


# Event sources


def test_every_event_handler_has_its_event_source(event_sources: list[Json]) -> None:
    handlers = [handler for handler in app.app.event_sources if not isinstance(handler, ScheduledEventConfig)]
    expected = {handler.name.title().replace("_", "") for handler in handlers}
    assert {source["FunctionName"]["Ref"] for source in event_sources} == expected
    assert len(event_sources) == len(expected)


def test_every_event_source_reports_which_records_failed(event_sources: list[Json]) -> None:
    for source in event_sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], source


def test_workers_leave_the_payment_provider_room_to_breathe(event_sources: list[Json]) -> None:
    [source] = [source for source in event_sources if source["FunctionName"]["Ref"] == "Work"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 50}


def streams_in(event_sources: list[Json]) -> list[Json]:
    """Those that read a stream; a queue has no order, no beginning and a policy of its own."""
    return [source for source in event_sources if source["FunctionName"]["Ref"] != "Work"]


def test_no_event_source_gives_up(event_sources: list[Json]) -> None:
    for source in streams_in(event_sources):
        assert source["MaximumRetryAttempts"] == -1, source
        assert source["MaximumRecordAgeInSeconds"] == -1, source
        assert source["BisectBatchOnFunctionError"] is True, source


def test_every_event_source_begins_with_the_oldest_record(event_sources: list[Json]) -> None:
    for source in streams_in(event_sources):
        assert source["StartingPosition"] == "TRIM_HORIZON", source


def test_no_event_source_leaves_a_record_out(event_sources: list[Json]) -> None:
    for source in event_sources:
        assert "FilterCriteria" not in source, source


FAN_OUT_OR_BUS: Json = {"Fn::If": ["HasFanOut", {"Ref": "AvailabilityFanOut"}, {"Fn::GetAtt": ["EventBus", "Arn"]}]}


def test_the_log_feeds_the_forwarder_and_the_bus_feeds_the_projections(event_sources: list[Json]) -> None:
    others: Json = {
        "ForwardEvents": {"Fn::GetAtt": ["EventsTable", "StreamArn"]},
        "ArchiveEvents": {"Fn::Sub": "${ArchiveReader.ConsumerARN}"},
        "ProjectAvailability": {"Fn::Sub": ["${Source}", {"Source": FAN_OUT_OR_BUS}]},
    }
    for source in streams_in(event_sources):
        stream = others.get(source["FunctionName"]["Ref"], {"Fn::Sub": "${EventBus.Arn}"})
        assert source["EventSourceArn"] == stream, source


def test_no_more_functions_share_the_bus_than_kinesis_lets_read_it_each_second(event_sources: list[Json]) -> None:
    sharing = [source for source in event_sources if source["EventSourceArn"] == {"Fn::Sub": "${EventBus.Arn}"}]
    assert len(sharing) <= 5


# Permissions


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
    inside = r"index/ByOwner|index/ByDueTime|heads/\*|events/\*|stream/\*|consumer/\*"
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


def test_only_an_operator_can_erase_the_key_of_a_person(resources: Json) -> None:
    for function in BY_ID:
        for statement in statements_of(resources, function):
            if owner_of(statement["Resource"]) != "ParkedTable":
                assert "dynamodb:DeleteItem" not in statement["Action"], function


# The network


def test_only_what_talks_to_postgres_or_redis_is_inside_the_vpc(functions: Json) -> None:
    talking = {
        name
        for name, function in functions.items()
        if {"DATABASE_URL", "REDIS_URL"} & function["Environment"]["Variables"].keys()
    }
    assert (
        {name for name, function in functions.items() if "VpcConfig" in function}
        == talking
        == {name for name, one in BY_ID.items() if one.is_inside}
    )


def test_every_function_and_the_api_are_traced(functions: Json, sam: str) -> None:
    assert all(function["TracingConfig"] == {"Mode": "Active"} for function in functions.values())
    assert json.loads(sam)["Resources"]["RestAPI"]["Properties"]["TracingEnabled"] is True


def test_the_api_admits_so_many_requests_a_second(resources: Json) -> None:
    [stage] = of_type(resources, "AWS::ApiGateway::Stage").values()
    [settings] = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")


def test_a_web_acl_stands_before_the_stage_that_is_deployed(resources: Json) -> None:
    [stage] = [name for name, resource in resources.items() if resource["Type"] == "AWS::ApiGateway::Stage"]
    protected = resources["WebAclOfTheApi"]["Properties"]["ResourceArn"]["Fn::Sub"]
    assert protected.endswith(f"/restapis/${{RestAPI}}/stages/${{{stage}}}")


# Settings


def environment_of(functions: Json, function: str) -> dict[str, str]:
    """With a value of the right kind for each variable."""
    kinds = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWKS_URL": "https://issuer/jwks"}
    kinds |= {"PAYMENT_PROVIDERS": "sandbox", "APPEND_WITH": "partiql"}
    variables = functions[function]["Environment"]["Variables"]
    return {name: kinds.get(name, "15") for name in variables}


@pytest.fixture
def without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", MagicMock())


def test_every_variable_of_a_function_is_a_setting(functions: Json) -> None:
    settings = {field.name.upper() for field in fields(Settings)}
    for function in functions:
        assert environment_of(functions, function).keys() <= settings, function


@pytest.mark.usefixtures("without_aws")
@pytest.mark.parametrize("function", BY_ID)
def test_every_function_can_make_what_it_needs(functions: Json, function: str) -> None:
    settings = Settings.from_environment(environment_of(functions, function))
    make_what_it_needs(function, Composition(settings))


def without(settings: Settings, variable: str) -> Settings:
    emptied: Json = {variable.lower(): ""}
    return replace(settings, **emptied)


@pytest.mark.usefixtures("without_aws")
@pytest.mark.parametrize("function", BY_ID)
def test_no_function_gets_a_variable_that_it_does_not_need(functions: Json, function: str) -> None:
    settings = Settings.from_environment(environment_of(functions, function))
    without_default = {field.name for field in fields(Settings) if field.default == ""}
    for name in environment_of(functions, function):
        if name.lower() in without_default and name not in NEEDED_BY_SOME_STAGES:
            with pytest.raises(NotConfigured):
                make_what_it_needs(function, Composition(without(settings, name)))


def test_only_the_api_knows_the_rules_of_the_shop(functions: Json) -> None:
    rules = {"HOLD_MINUTES", "PAYMENT_MINUTES"}
    assert rules <= environment_of(functions, "APIHandler").keys()
    for function in functions.keys() - {"APIHandler"}:
        assert not rules & environment_of(functions, function).keys(), function


def test_no_secret_is_a_parameter_or_shown_in_an_environment(sam: str, functions: Json) -> None:
    """They are read from Secrets Manager by id; addresses with a password in them are refused."""
    parameters = json.loads(sam)["Parameters"]
    assert not [name for name, parameter in parameters.items() if parameter.get("NoEcho")]
    secret = {"SANDBOX_SECRET", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "MASTER_KEY_FILE", "SIGNING_KEY_FILE"}
    for function in functions:
        environment = environment_of(functions, function).keys()
        assert not secret & environment, function
        assert ("DATABASE_URL" in environment) == ("DATABASE_SECRET_ID" in environment), function


@pytest.mark.parametrize(
    ("parameter", "address", "admitted"),
    [
        ("DatabaseUrl", "postgresql://db.example:5432/cloudbash?sslmode=require", True),
        ("DatabaseUrl", "postgresql://postgres@127.0.0.1:5432/postgres", True),
        ("DatabaseUrl", "postgresql://me:secret@db.example/cloudbash", False),
        ("RedisUrl", "rediss://cache.example:6379", True),
        ("RedisUrl", "rediss://:secret@cache.example:6379", False),
    ],
)
def test_an_address_may_have_no_password_in_it(sam: str, parameter: str, address: str, admitted: bool) -> None:
    pattern = json.loads(sam)["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, address)) is admitted


# Tables and streams


def test_an_event_can_be_restored_and_the_log_cannot_be_dropped(resources: Json) -> None:
    log = resources["EventsTable"]
    assert log["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert log["Properties"]["DeletionProtectionEnabled"] is True
    assert log["Properties"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert log["DeletionPolicy"] == log["UpdateReplacePolicy"] == "Retain"


def test_the_key_of_an_erased_person_cannot_be_restored_and_the_others_are_not_lost(resources: Json) -> None:
    keys = resources["PersonKeysTable"]
    assert "PointInTimeRecoverySpecification" not in keys["Properties"]
    assert keys["Properties"]["DeletionProtectionEnabled"] is True
    assert keys["DeletionPolicy"] == keys["UpdateReplacePolicy"] == "Retain"
    master_key = resources["MasterKey"]
    assert master_key["DeletionPolicy"] == master_key["UpdateReplacePolicy"] == "Retain"


def test_what_was_signed_cannot_be_changed_or_deleted_by_anybody_for_a_year(resources: Json) -> None:
    bucket = resources["HeadsBucket"]
    retention = bucket["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (bucket["Properties"]["ObjectLockEnabled"], retention) == (True, {"Mode": "COMPLIANCE", "Years": 1})
    for resource in (bucket, resources["SigningKey"]):
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_the_documents_of_a_shard_are_signed_one_after_the_other(event_sources: list[Json]) -> None:
    [source] = [source for source in event_sources if source["FunctionName"]["Ref"] == "SignHeads"]
    assert source["ParallelizationFactor"] == 1
    assert source["MaximumBatchingWindowInSeconds"] == 300


def test_the_archive_of_events_is_private_encrypted_kept_and_grows_cold(resources: Json) -> None:
    bucket = resources["ArchiveBucket"]
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    [rule] = properties["LifecycleConfiguration"]["Rules"]
    assert [step["StorageClass"] for step in rule["Transitions"]] == ["STANDARD_IA", "GLACIER_IR"]
    assert "ExpirationInDays" not in rule


def test_the_bus_keeps_a_week(resources: Json) -> None:
    assert resources["EventBus"]["Properties"]["RetentionPeriodHours"] == 7 * 24


def test_every_name_carries_the_stage(sam: str) -> None:
    naming = {
        "AWS::DynamoDB::Table": "TableName",
        "AWS::Kinesis::Stream": "Name",
        "AWS::Kinesis::StreamConsumer": "ConsumerName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::S3::Bucket": "BucketName",
        "AWS::Serverless::Function": "FunctionName",
        "AWS::Serverless::LayerVersion": "LayerName",
    }
    named = [resource for resource in json.loads(sam)["Resources"].values() if resource["Type"] in naming]
    assert {resource["Type"] for resource in named} == naming.keys()
    for resource in named:
        assert "cloudbash-${Stage}-" in resource["Properties"][naming[resource["Type"]]]["Fn::Sub"], resource


# Errors of the gateway


@pytest.mark.parametrize(
    ("response_type", "local"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", gateway.not_found()),
        ("RESOURCE_NOT_FOUND", gateway.not_found()),
        ("INVALID_SIGNATURE", gateway.not_found()),
        ("DEFAULT_4XX", gateway.not_found()),
        ("UNAUTHORIZED", gateway.unauthenticated()),
        ("ACCESS_DENIED", gateway.forbidden()),
        ("REQUEST_TOO_LARGE", server.too_large()),
        ("DEFAULT_5XX", gateway.internal_error()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_gateway_says_what_the_local_one_says(response_type: str, local: gateway.Problem, responses: Json) -> None:
    expected, deployed = local.answer(), responses[response_type]
    assert int(deployed["statusCode"]) == expected.status
    assert json.loads(deployed["responseTemplates"]["application/json"]) == json.loads(expected.body)
    assert headers_of(deployed) == dict(expected.headers)


def test_every_error_of_the_gateway_is_a_problem_document(responses: Json) -> None:
    for response_type, response in responses.items():
        body = json.loads(response["responseTemplates"]["application/json"])
        assert body.keys() == {"type", "title", "status", "code", "detail"}, response_type
        assert body["status"] == int(response["statusCode"]), response_type
        assert headers_of(response)["Content-Type"] == "application/problem+json", response_type


def test_a_throttled_caller_is_told_when_to_come_back(responses: Json) -> None:
    assert responses["THROTTLED"]["statusCode"] == "429"
    assert headers_of(responses["THROTTLED"])["Retry-After"] == "1"


def headers_of(response: Json) -> dict[str, str]:
    parameters: dict[str, str] = response["responseParameters"]
    return {name.removeprefix("gatewayresponse.header."): value.strip("'") for name, value in parameters.items()}


# The code


def test_the_package_has_the_shop_as_it_is_and_nothing_of_what_is_around_it(package: Path) -> None:
    with ZipFile(package / "deployment.zip") as archive:
        names = [name for name in archive.namelist() if not name.startswith("chalice/") and not name.endswith(".pyc")]
        shipped = {name: archive.read(name) for name in names}
    source = [PROJECT / "app.py", *(path for path in (PROJECT / "chalicelib").rglob("*") if path.is_file())]
    expected = {str(path.relative_to(PROJECT)): path for path in source if "__pycache__" not in path.parts}
    assert shipped.keys() == expected.keys()
    assert not [name for name, path in expected.items() if shipped[name] != path.read_bytes()]


@pytest.fixture(scope="module")
def lambdas_python() -> str:
    """A Python as the functions have it, whatever this test runs on."""
    return runtime.find_interpreter() or pytest.skip(f"There is no {runtime.RUNTIME} here.")


def compiled_name(module: str) -> str:
    path = PurePosixPath(module)
    return str(path.parent / "__pycache__" / f"{path.stem}.{runtime.CACHE_TAG}.pyc")


@pytest.mark.parametrize("zipped", ["deployment.zip", "layer-deployment.zip"])
def test_every_module_is_shipped_with_its_bytecode(package: Path, zipped: str, lambdas_python: str) -> None:
    ask_for_magic = [lambdas_python, "-c", "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"]
    magic = bytes.fromhex(subprocess.run(ask_for_magic, capture_output=True, text=True, check=True).stdout)  # noqa: S603
    with ZipFile(package / zipped) as archive:
        modules = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
        compiled = {name: archive.read(name) for name in archive.namelist() if name.endswith(".pyc")}
    expected = {compiled_name(name): source for name, source in modules.items() if LEFT_OUT not in name}
    assert compiled.keys() == expected.keys()
    never_compared_with_its_source = (1).to_bytes(4, "little")
    for name, source in expected.items():
        header = magic + never_compared_with_its_source + source_hash(source)
        assert compiled[name][:16] == header, name


def test_the_same_code_gives_the_same_package(package: Path, tmp_path: Path, lambdas_python: str) -> None:
    copies = [tmp_path / "one.zip", tmp_path / "another.zip"]
    with ZipFile(package / "deployment.zip") as archive:
        for copy in copies:
            with ZipFile(copy, "w") as rewritten:
                for entry in archive.infolist():
                    if not entry.filename.endswith(".pyc"):
                        rewritten.writestr(entry, archive.read(entry))
            subprocess.run([lambdas_python, "-I", "-S", COMPILER, copy], check=True)  # noqa: S603
    assert copies[0].read_bytes() == copies[1].read_bytes()


def test_the_package_has_the_migrations(package: Path) -> None:
    files = {str(path.relative_to(PROJECT)) for directory in migrations() for path in directory.glob("*.sql")}
    assert files
    assert files <= names_in(package / "deployment.zip")


def test_the_layer_leaves_out_what_the_runtime_has_and_what_only_developers_need(package: Path) -> None:
    prefix = f"{runtime.SITE_PACKAGES}/"
    names = names_in(package / "layer-deployment.zip")
    assert all(name.startswith(prefix) for name in names)
    layer = {name.removeprefix(prefix).split("/")[0] for name in names}
    assert {"pydantic", "psycopg", "psycopg_binary", "psycopg_pool", "redis", "jwt", "cryptography"} <= layer
    assert not layer & {*AWS_SDK} - {"urllib3"}
    assert not layer & {"chalice", "pytest", "hypothesis", "mypy", "ministack", "cfnlint", "async_timeout"}


def test_only_the_function_that_writes_parquet_carries_its_library(sam: str, package: Path) -> None:
    assert any("/_duckdb." in name for name in names_in(package / "layer-archive.zip"))
    assert not any("duckdb" in name for name in names_in(package / "layer-deployment.zip"))
    layers = {
        name: [layer["Ref"] for layer in resource["Properties"]["Layers"]]
        for name, resource in json.loads(sam)["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert layers.pop("ArchiveEvents") == ["ManagedLayer", "ArchiveLayer"]
    assert {tuple(names) for names in layers.values()} == {("ManagedLayer",)}


def test_the_package_stays_within_the_limits_of_lambda(package: Path) -> None:
    zips = list(package.glob("*.zip"))
    assert all(zipped.stat().st_size < 50_000_000 for zipped in zips)
    assert sum(entry.file_size for zipped in zips for entry in ZipFile(zipped).infolist()) < 250_000_000


@pytest.fixture
def deployed(package: Path, tmp_path: Path) -> Path:
    """Code, layers and SDK where Lambda has them."""
    unpack(package, tmp_path)
    return tmp_path


ON_LAMBDAS_PLATFORM = pytest.mark.skipif(sys.platform != "linux", reason="packaged for Lambda's Linux")
WITH_A_LAYER_OF_ITS_OWN = "chalicelib.platform.archive.parquet", "chalicelib.platform.archive.archivist"


def run_deployed(deployed: Path, python: str, program: str, *layers: str) -> None:
    paths = [deployed / place for place in (CODE, *layers, SDK)]
    preamble = (
        f"import importlib, pkgutil, sys; sys.path[:0] = {[str(path) for path in paths]!r}; import app, chalicelib\n"
    )
    command = [python, "-I", "-S", "-c", preamble + program]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert run.returncode == 0, run.stderr


@ON_LAMBDAS_PLATFORM
def test_every_module_that_is_shipped_can_be_imported_where_it_is_deployed(deployed: Path, lambdas_python: str) -> None:
    program = (
        "for module in pkgutil.walk_packages(chalicelib.__path__, 'chalicelib.'):\n"
        f"    if module.name not in {WITH_A_LAYER_OF_ITS_OWN!r}: importlib.import_module(module.name)"
    )
    run_deployed(deployed, lambdas_python, program, DEPENDENCIES)


@ON_LAMBDAS_PLATFORM
def test_the_archive_is_written_where_it_is_deployed(deployed: Path, tmp_path: Path, lambdas_python: str) -> None:
    program = (
        f"for name in {WITH_A_LAYER_OF_ITS_OWN!r}: importlib.import_module(name)\n"
        "from pathlib import Path; from uuid import UUID\n"
        "from chalicelib.platform.archive.parquet import Spool, read_events\n"
        "from chalicelib.platform.eventsourcing.stored import StoredEvent\n"
        "event = StoredEvent(UUID(int=1), 0, '2030-06-15T00:00:00.000Z', 'An.Event', '{}')\n"
        f"directory = Path({str(tmp_path)!r}); spool = Spool(directory); spool.add([event])\n"
        "assert spool.write('2030-06-15', directory / 'x.parquet') == 1\n"
        "assert list(read_events([directory / 'x.parquet'])) == [event]"
    )
    run_deployed(deployed, lambdas_python, program, DEPENDENCIES, ARCHIVE)


# The packaging itself


def test_what_ships_is_for_the_python_of_the_functions_whatever_python_packages(sam: str, package: Path) -> None:
    resources = json.loads(sam)["Resources"].values()
    of_functions = {r["Properties"]["Runtime"] for r in resources if r["Type"] == "AWS::Serverless::Function"}
    of_layers = {
        python
        for r in resources
        if r["Type"] == "AWS::Serverless::LayerVersion"
        for python in r["Properties"]["CompatibleRuntimes"]
    }
    assert of_functions == of_layers == {runtime.RUNTIME}
    suffixes = re.compile(r"\.(cpython|cp)-?(\d+)[-.]")
    for zipped in package.glob("*.zip"):
        tags = {f"cpython-{found[2]}" for name in names_in(zipped) if (found := suffixes.search(name))}
        assert tags <= {runtime.CACHE_TAG}, zipped


def test_a_command_that_only_looks_like_python_does_not_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyenv leaves commands in the path for what is installed but not chosen."""
    shim = tmp_path / runtime.RUNTIME
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(runtime, "is_runtime", lambda: False)
    assert runtime.find_interpreter() is None


def test_without_a_python_that_can_compile_the_package_says_that_it_has_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes_a_template = (
        "import pathlib, sys; p = pathlib.Path(sys.argv[-1]); p.mkdir(); (p / 'sam.json').write_text('{}')"
    )
    monkeypatch.setattr(
        packaging, "CHALICE", [sys.executable, "-c", writes_a_template.replace("{}", '{"Resources": {}}')]
    )
    monkeypatch.setattr(wheels, "fetch", lambda _, target, __: target.mkdir(parents=True))
    monkeypatch.setattr(Packaging, "_check", lambda *_: None)
    monkeypatch.setattr(runtime, "find_interpreter", lambda: None)
    assert f"for {runtime.RUNTIME}, without bytecode" in Packaging(tmp_path).build()


def test_the_checks_find_what_is_wrong(sam: str) -> None:
    broken: Json = json.loads(sam)
    del broken["Resources"]["PersonKeysTable"]
    assert any("PersonKeysTable" in finding for finding in findings(json.dumps(broken), REGION))
    without_stream: Json = json.loads(sam)
    events = without_stream["Resources"]["ForwardEvents"]["Properties"]["Events"]
    del events["ForwardEventsDynamodbEventSource"]["Properties"]["Stream"]
    assert [finding for finding in findings(json.dumps(without_stream), REGION) if finding.startswith("sam: ")]


def test_a_library_that_the_glibc_of_lambda_cannot_load_is_no_layer(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("duckdb==2.0.0\n")
    with pytest.raises(PackagingFailed, match=r"No matching distribution found for duckdb==2\.0\.0"):
        Layers(tmp_path / "layers", os.environ).archive_layer(requirements)
    assert not [*(tmp_path / "layers").glob("*.zip")]


@pytest.fixture
def chalice_says(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    def says(output: str, status: int) -> None:
        program = [sys.executable, "-c", f"import sys; print({output!r}); sys.exit({status})"]
        monkeypatch.setattr(packaging, "CHALICE", program)
        monkeypatch.setattr(wheels, "fetch", lambda _, target, __: target.mkdir(parents=True))

    return says


@pytest.mark.parametrize(
    ("output", "status"), [("Could not install dependencies:\npsycopg-binary==3.3.9", 0), ("No such stage", 2)]
)
def test_a_package_that_lacks_something_is_no_package(
    chalice_says: Callable[[str, int], None], tmp_path: Path, output: str, status: int
) -> None:
    chalice_says(output, status)
    with pytest.raises(PackagingFailed, match=output.splitlines()[0]):
        Packaging(tmp_path).build()


def test_dependencies_of_a_packaging_that_failed_are_not_used_again(
    chalice_says: Callable[[str, int], None], tmp_path: Path
) -> None:
    kept = tmp_path / "source/.chalice/deployments/managed-layer-of-a-failed-run.zip"
    kept.parent.mkdir(parents=True)
    kept.touch()
    chalice_says("Could not install dependencies:\npsycopg-binary==3.3.9", 0)
    with pytest.raises(PackagingFailed):
        Packaging(tmp_path).build()
    assert not kept.exists()
