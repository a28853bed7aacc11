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

MOST_WORKERS = 50
"""Each asks the payment provider one thing at a time; Stripe admits 100 requests a second."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """`name` ends its physical name; `environment` has the settings that it reads, and no others. `layers` lie over
    the one that all functions have. Only what talks to Postgres or Redis is `inside` the VPC: the way out of it costs
    money and time (ADR 22)."""

    name: str
    environment: Json
    events: Json | None = None
    layers: tuple[str, ...] = ()
    inside: bool = False


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
_SANDBOX = {"SANDBOX_TABLE": _ref("SandboxTable"), "SANDBOX_SECRET_ID": _ref("SandboxSecret")}
_QUEUE = {"WORK_QUEUE_URL": _ref("WorkQueue")}
_PROCESSES = {"PROCESS_TABLE": _ref("ProcessTable")} | _QUEUE
_POSTGRES = {"DATABASE_URL": _ref("DatabaseUrl"), "DATABASE_SECRET_ID": _ref("DatabaseSecretId")}
_REDIS = {"REDIS_URL": _ref("RedisUrl")}
_TOKENS = {"JWKS_URL": _ref("JwksUrl"), "JWT_ISSUER": _ref("JwtIssuer"), "JWT_AUDIENCE": _ref("JwtAudience")}
_PERSON_KEYS = {"PERSON_KEYS_TABLE": _ref("PersonKeysTable"), "MASTER_KEY_ID": {"Fn::GetAtt": ["MasterKey", "Arn"]}}
_RULES = {
    "HOLD_MINUTES": _ref("HoldMinutes"),
    "PAYMENT_MINUTES": _ref("PaymentMinutes"),
}
_PROVIDERS = {"PAYMENT_PROVIDERS": _ref("PaymentProviders"), "STRIPE_SECRET_ID": _ref("StripeSecretId")}
_PARKING = {"PARKED_TABLE": _ref("ParkedTable")}
_EVIDENCE = {"HEADS_BUCKET": _ref("HeadsBucket"), "SIGNING_KEY_ID": {"Fn::GetAtt": ["SigningKey", "Arn"]}}
_ARCHIVE = {"ARCHIVE_BUCKET": _ref("ArchiveBucket")}
_CONSUMER = _LOG | _PARKING


def _mapping(stream: Json, parallel: int) -> Json:
    """An event source that loses nothing: the whole stream from its start, and every batch until it succeeds. So it has
    no destination for failures, which gets what was given up: here the code itself keeps aside what it cannot read."""
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


def _fan_out_mapping(reader: str, parallel: int) -> Json:
    """The same, and where the stage pays for it over a connection of its own, which is pushed to: others share five
    reads a second from each shard."""
    source = {"Fn::If": ["HasFanOut", _ref(reader), {"Fn::GetAtt": ["EventBus", "Arn"]}]}
    return _mapping({"Fn::Sub": ["${Source}", {"Source": source}]}, parallel)


def _queue_mapping() -> Json:
    """Messages that fail come again alone; what fails for good goes to the dead letters by the queue's own policy."""
    return {
        "Properties": {
            "Queue": {"Fn::Sub": "${WorkQueue.Arn}"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": MOST_WORKERS},
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
        inside=True,
    ),
    "Authorize": Function("authorize", _TOKENS),
    "ForwardEvents": Function("forward-events", _BUS | _PARKING, {"ForwardEventsDynamodbEventSource": _log_mapping()}),
    "ProjectProgramme": Function(
        "project-programme",
        _CONSUMER | _POSTGRES,
        # Few events and expensive connections.
        {"ProjectProgrammeKinesisEventSource": _bus_mapping(parallel=2)},
        inside=True,
    ),
    "ProjectCarts": Function(
        "project-carts", _CONSUMER | _READ_TABLE, {"ProjectCartsKinesisEventSource": _bus_mapping(parallel=10)}
    ),
    "ProjectAvailability": Function(
        "project-availability",
        _CONSUMER | _REDIS,
        {"ProjectAvailabilityKinesisEventSource": _fan_out_mapping("AvailabilityFanOut", parallel=10)},
        inside=True,
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
    "RecordLapsedHolds": Function("record-lapsed-holds", _LOG | _APPENDING | _REDIS, inside=True),
    "VerifyReadModels": Function(
        "verify-read-models", _CONSUMER | _READ_TABLE | _PROCESSES | _POSTGRES | _REDIS, inside=True
    ),
    "Migrate": Function("migrate", _POSTGRES, inside=True),
}

PARAMETERS: Json = {
    "Stage": {
        "Type": "String",
        "Default": "prod",
        "AllowedPattern": "[a-z][a-z0-9-]{0,15}",
        "ConstraintDescription": "small letters, digits and hyphens, 16 at most",
        "Description": "Part of every name; one account and region can hold several stages",
    },
    "SubnetIds": {"Type": "List<AWS::EC2::Subnet::Id>", "Description": "Where functions meet Postgres and Redis"},
    "SecurityGroupId": {"Type": "AWS::EC2::SecurityGroup::Id", "Description": "That of the functions in there"},
    "DatabaseUrl": {
        "Type": "String",
        "AllowedPattern": "postgres(ql)?://([^:@/]+@)?[^@/]+/.+",
        "ConstraintDescription": "an address without a password",
        "Description": "Postgres of the programme: postgresql://host:port/database?sslmode=require",
    },
    "DatabaseSecretId": {
        "Type": "String",
        "AllowedPattern": "arn:.+",
        "Description": "ARN of the secret with username and password for it, as RDS keeps and rotates it",
    },
    "RedisUrl": {
        "Type": "String",
        "AllowedPattern": "rediss?://[^@]+",
        "ConstraintDescription": "an address without a password",
        "Description": "Redis of the availability; its security group is what admits",
    },
    "JwksUrl": {
        "Type": "String",
        "AllowedPattern": "https://.+",
        "Description": "Where the token issuer publishes its keys",
    },
    "JwtIssuer": {"Type": "String", "MinLength": 1, "Description": "The claim iss of the tokens we accept"},
    "JwtAudience": {"Type": "String", "MinLength": 1, "Description": "The claim aud of the tokens we accept"},
    "PaymentProviders": {
        "Type": "String",
        "MinLength": 1,
        "Default": "none",
        "Description": "The payment providers of the stage, separated by commas: stripe; sandbox, which sells without "
        "taking money; or none, for free tickets alone",
    },
    "StripeSecretId": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(arn:.+)?",
        "Description": "ARN of the secret with api_key and webhook, if stripe is among the providers",
    },
    "WebAclArn": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(arn:.+)?",
        "Description": "The web ACL before the API, if there is one",
    },
    "FanOut": {
        "Type": "String",
        "Default": "false",
        "AllowedValues": ["true", "false"],
        "Description": "Whether the live availability has a connection to the bus of its own, at about 45 $ a month",
    },
    "RequestsPerSecond": {
        "Type": "Number",
        "Default": 2000,
        "MinValue": 1,
        "Description": "What the API admits before it answers 429",
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


CONDITIONS: Json = {
    "HasFanOut": {"Fn::Equals": [_ref("FanOut"), "true"]},
    "HasStripe": {"Fn::Not": [{"Fn::Equals": [_ref("StripeSecretId"), ""]}]},
    "HasWebAcl": {"Fn::Not": [{"Fn::Equals": [_ref("WebAclArn"), ""]}]},
}

API: Json = {
    "Properties": {
        "DefinitionBody": {
            "info": {"title": {"Fn::Sub": alarms.API_NAME}},
            "x-amazon-apigateway-gateway-responses": gateway_responses(),
        },
        "TracingEnabled": True,
        "MethodSettings": [
            {
                "HttpMethod": "*",
                "ResourcePath": "/*",
                "ThrottlingRateLimit": _ref("RequestsPerSecond"),
                "ThrottlingBurstLimit": _ref("RequestsPerSecond"),
            }
        ],
    }
}

_APIS = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis"

OF_THE_STAGE: Json = {
    "SandboxSecret": {
        "Type": "AWS::SecretsManager::Secret",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "Description": "With which the sandbox provider signs what it says to our webhook",
            "GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True},
        },
    },
    "AvailabilityFanOut": {
        "Type": "AWS::Kinesis::StreamConsumer",
        "Condition": "HasFanOut",
        "Properties": {
            "ConsumerName": {"Fn::Sub": "cloudbash-${Stage}-availability"},
            "StreamARN": {"Fn::GetAtt": ["EventBus", "Arn"]},
        },
    },
    "WebAclOfTheApi": {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Condition": "HasWebAcl",
        "Properties": {
            "WebACLArn": _ref("WebAclArn"),
            "ResourceArn": {"Fn::Sub": f"{_APIS}/${{RestAPI}}/stages/${{RestAPI.Stage}}"},
        },
    },
}
"""What the functions need beside the tables and streams, which the local stack has as well."""


def merge_template() -> Json:
    resources: Json = json.loads(RESOURCES.read_text())["Resources"] | OF_THE_STAGE
    for logical_id, function in FUNCTIONS.items():
        resources[logical_id] = {"Properties": _properties(logical_id, function)}
        resources[_logs_of(logical_id)] = _log_group(function)
    resources["ManagedLayer"] = {
        "Properties": {"LayerName": {"Fn::Sub": "cloudbash-${Stage}-dependencies"}, "RetentionPolicy": "Delete"}
    }
    resources["ArchiveLayer"] = _archive_layer()
    resources["RestAPI"] = API
    return {
        "Description": "Cloudbash, an event-sourced ticket shop",
        "Parameters": PARAMETERS | alarms.PARAMETERS,
        "Conditions": CONDITIONS | alarms.CONDITIONS,
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
        "Tracing": "Active",
    }
    if function.layers:  # the whole list: a merge replaces it
        properties["Layers"] = [_ref(layer) for layer in ("ManagedLayer", *function.layers)]
    if function.inside:
        properties["VpcConfig"] = {"SubnetIds": _ref("SubnetIds"), "SecurityGroupIds": [_ref("SecurityGroupId")]}
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
