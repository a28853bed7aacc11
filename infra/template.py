"""What `chalice package` merges into its own template: all that the decorators in app.py cannot say."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import alarms, dashboard
from infra.gateway_responses import gateway_responses

RESOURCES = Path(__file__).with_name("resources.json")

LOG_RETENTION_DAYS = 90
ARCHIVE_LAYER = "layer-archive.zip"

Json = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """`name` ends its physical name; `environment` has the settings that it reads, and no others. `layers` lie over
    the one that all functions have."""

    name: str
    environment: Json
    events: Json | None = None
    layers: tuple[str, ...] = ()


def _ref(logical_id: str) -> Json:
    return {"Ref": logical_id}


_LOG = {"EVENTS_TABLE": _ref("EventsTable")}
_BUS = {"EVENT_BUS": _ref("EventBus")}
_READ_TABLE = {"READ_TABLE": _ref("ReadTable")}
_APPENDING = {
    "MARKS_TABLE": _ref("MarksTable"),
    "SNAPSHOTS_TABLE": _ref("SnapshotsTable"),
    "APPEND_WITH": _ref("AppendWith"),
}
_SANDBOX = {"SANDBOX_TABLE": _ref("SandboxTable"), "SANDBOX_SECRET": _ref("SandboxSecret")}
_QUEUE = {"WORK_QUEUE_URL": _ref("WorkQueue")}
_PROCESSES = {"PROCESS_TABLE": _ref("ProcessTable")} | _QUEUE
_POSTGRES = {"DATABASE_URL": _ref("DatabaseUrl")}
_REDIS = {"REDIS_URL": _ref("RedisUrl")}
_TOKENS = {"JWKS_URL": _ref("JwksUrl"), "JWT_ISSUER": _ref("JwtIssuer"), "JWT_AUDIENCE": _ref("JwtAudience")}
_PERSON_KEYS = {"PERSON_KEYS_TABLE": _ref("PersonKeysTable"), "MASTER_KEY_ID": {"Fn::GetAtt": ["MasterKey", "Arn"]}}
_RULES = {
    "HOLD_MINUTES": _ref("HoldMinutes"),
    "PAYMENT_MINUTES": _ref("PaymentMinutes"),
}
_PROVIDERS = {"PAYMENT_PROVIDERS": _ref("PaymentProviders")}
_PARKING = {"PARKED_TABLE": _ref("ParkedTable")}
_EVIDENCE = {"HEADS_BUCKET": _ref("HeadsBucket"), "SIGNING_KEY_ID": {"Fn::GetAtt": ["SigningKey", "Arn"]}}
_ARCHIVE = {"ARCHIVE_BUCKET": _ref("ArchiveBucket")}
_CONSUMER = _LOG | _PARKING


def _mapping(stream: Json, parallel: int) -> Json:
    """An event source that loses nothing: the whole stream from its start, and every batch until it succeeds."""
    return {
        "Properties": {
            "Stream": stream,
            "StartingPosition": "TRIM_HORIZON",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": -1,
            "MaximumRecordAgeInSeconds": -1,
            "ParallelizationFactor": parallel,
        }
    }


def _log_mapping() -> Json:
    return _mapping({"Fn::GetAtt": ["EventsTable", "StreamArn"]}, parallel=1)


def _bus_mapping(parallel: int) -> Json:
    """`parallel` batches at once from each shard, an aggregate always in the same one."""
    # Fn::Sub and not Fn::GetAtt, because that is what Chalice has there: a merge would leave both.
    return _mapping({"Fn::Sub": "${EventBus.Arn}"}, parallel)


def _enhanced(mapping: Json, reader: str) -> Json:
    """With a registered reader's own 2 MB/s of each shard: the other functions use up the five reads a second."""
    return {"Properties": mapping["Properties"] | {"Stream": {"Fn::Sub": f"${{{reader}.ConsumerARN}}"}}}


def _queue_mapping() -> Json:
    """Messages that fail come again alone; what fails for good goes to the dead letters by the queue's own policy."""
    return {
        "Properties": {
            "Queue": {"Fn::Sub": "${WorkQueue.Arn}"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
    }


FUNCTIONS = {
    "APIHandler": Function(
        "api",
        _LOG
        | _APPENDING
        | _BUS
        | _READ_TABLE
        | _POSTGRES
        | _REDIS
        | _TOKENS
        | _PERSON_KEYS
        | _RULES
        | _PROVIDERS
        | _SANDBOX
        | _QUEUE,
    ),
    "Authorize": Function("authorize", _TOKENS),
    "ForwardEvents": Function("forward-events", _BUS | _PARKING, {"ForwardEventsDynamodbEventSource": _log_mapping()}),
    "ProjectProgramme": Function(
        "project-programme",
        _CONSUMER | _POSTGRES,
        # Few events and expensive connections.
        {"ProjectProgrammeKinesisEventSource": _bus_mapping(parallel=2)},
    ),
    "ProjectCarts": Function(
        "project-carts", _CONSUMER | _READ_TABLE, {"ProjectCartsKinesisEventSource": _bus_mapping(parallel=10)}
    ),
    "ProjectAvailability": Function(
        "project-availability",
        _CONSUMER | _REDIS,
        {"ProjectAvailabilityKinesisEventSource": _bus_mapping(parallel=10)},
    ),
    "RunProcesses": Function(
        "run-processes", _CONSUMER | _PROCESSES, {"RunProcessesKinesisEventSource": _bus_mapping(parallel=10)}
    ),
    # One batch at a time from each shard: its documents are a chain.
    "SignHeads": Function("sign-heads", _EVIDENCE, {"SignHeadsKinesisEventSource": _bus_mapping(parallel=1)}),
    "ArchiveEvents": Function(
        "archive-events",
        _ARCHIVE | _PARKING,
        {"ArchiveEventsKinesisEventSource": _enhanced(_bus_mapping(parallel=1), "ArchiveReader")},
        layers=("ArchiveLayer",),
    ),
    "Work": Function(
        "work", _LOG | _APPENDING | _PROVIDERS | _SANDBOX | _QUEUE, {"WorkSqsEventSource": _queue_mapping()}
    ),
    "PushOn": Function("push-on", _PROCESSES),
    "RecordLapsedHolds": Function("record-lapsed-holds", _LOG | _APPENDING | _REDIS),
    "VerifyReadModels": Function("verify-read-models", _CONSUMER | _READ_TABLE | _PROCESSES | _POSTGRES | _REDIS),
}

PARAMETERS: Json = {
    "Stage": {
        "Type": "String",
        "Default": "prod",
        "AllowedPattern": "[a-z][a-z0-9-]{0,15}",
        "ConstraintDescription": "small letters, digits and hyphens, 16 at most",
        "Description": "Part of every name; one account and region can hold several stages",
    },
    "DatabaseUrl": {
        "Type": "String",
        "NoEcho": True,
        "AllowedPattern": "postgres(ql)?://.+",
        "Description": "Postgres of the programme, with its password: postgresql://user:password@host/database",
    },
    "RedisUrl": {
        "Type": "String",
        "NoEcho": True,
        "AllowedPattern": "rediss?://.+",
        "Description": "Redis of the availability, with its password if it has one",
    },
    "JwksUrl": {
        "Type": "String",
        "AllowedPattern": "https://.+",
        "Description": "Where the token issuer publishes its keys",
    },
    "JwtIssuer": {"Type": "String", "MinLength": 1, "Description": "The claim iss of the tokens we accept"},
    "JwtAudience": {"Type": "String", "MinLength": 1, "Description": "The claim aud of the tokens we accept"},
    "SandboxSecret": {
        "Type": "String",
        "NoEcho": True,
        "MinLength": 16,
        "Description": "With which the sandbox provider signs; anything long where it is not among the providers",
    },
    "PaymentProviders": {
        "Type": "String",
        "MinLength": 1,
        "Description": "The payment providers of the stage, separated by commas; sandbox sells without taking money",
    },
    "AppendWith": {
        "Type": "String",
        "Default": "partiql",
        "AllowedValues": ["partiql", "put"],
        "Description": "How events are appended. On AWS no function may put; the emulator streams only what was put",
    },
    "HoldMinutes": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "Description": "How long tickets in a cart are held",
    },
    "PaymentMinutes": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "Description": "How long an order waits for its payment",
    },
}


def merge_template() -> Json:
    resources: Json = json.loads(RESOURCES.read_text())["Resources"]
    for logical_id, function in FUNCTIONS.items():
        resources[logical_id] = {"Properties": _properties(logical_id, function)}
        resources[_logs_of(logical_id)] = _log_group(function)
    resources["ManagedLayer"] = {"Properties": {"LayerName": {"Fn::Sub": "cloudbash-${Stage}-dependencies"}}}
    resources["ArchiveLayer"] = _archive_layer()
    resources["RestAPI"] = {
        "Properties": {
            "DefinitionBody": {
                "info": {"title": {"Fn::Sub": alarms.API_NAME}},
                "x-amazon-apigateway-gateway-responses": gateway_responses(),
            }
        }
    }
    return {
        "Description": "Cloudbash, an event-sourced ticket shop",
        "Parameters": PARAMETERS | alarms.PARAMETERS,
        "Conditions": alarms.CONDITIONS,
        "Resources": resources | alarms.resources(FUNCTIONS) | {"Dashboard": dashboard.resource(FUNCTIONS)},
    }


def _properties(logical_id: str, function: Function) -> Json:
    properties: Json = {
        "FunctionName": _name(function),
        # Every line as JSON. Metrics are lines without a level, which count as INFO: with less they would be lost.
        "LoggingConfig": {
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",
            "LogGroup": _ref(_logs_of(logical_id)),
        },
        "Environment": {"Variables": function.environment},
    }
    if function.layers:  # the whole list: a merge replaces it
        properties["Layers"] = [_ref(layer) for layer in ("ManagedLayer", *function.layers)]
    return properties | ({"Events": function.events} if function.events else {})


def _archive_layer() -> Json:
    """Chalice makes one layer, for all functions; `infra.package` makes this one."""
    return {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {
            "LayerName": {"Fn::Sub": "cloudbash-${Stage}-archive"},
            "CompatibleRuntimes": ["python3.11"],
            "CompatibleArchitectures": ["x86_64"],
            "ContentUri": f"./{ARCHIVE_LAYER}",
        },
    }


def _log_group(function: Function) -> Json:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/cloudbash-${{Stage}}-{function.name}"},
            "RetentionInDays": LOG_RETENTION_DAYS,
        },
    }


def _logs_of(logical_id: str) -> str:
    return f"{logical_id}Logs"


def _name(function: Function) -> Json:
    return {"Fn::Sub": f"cloudbash-${{Stage}}-{function.name}"}
