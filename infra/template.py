"""Makes what `chalice package` merges into its own template: all that the decorators in app.py cannot express."""

import json
from pathlib import Path
from typing import Any

from chalicelib.functions import FUNCTIONS
from chalicelib.platform.function import Bus, Function, LogStream, Queue
from infra import alarms, dashboard, mail_events, methods, runtime
from infra.gateway_responses import gateway_responses
from infra.layers import LAYERS, file_of, resource_of
from infra.names import logical_id, logs_of, physical_name
from infra.needs import PROVISIONS, ref

RESOURCES = Path(__file__).with_name("resources.json")

LOG_RETENTION_DAYS = 90

Json = dict[str, Any]


def _mapping(stream: Json, parallel: int) -> Json:
    """Return an event source that loses nothing: the whole stream from its start, and every batch until it succeeds.

    It has no destination for failures, because nothing is given up: the code itself stores what it cannot read.
    """
    return {
        "Stream": stream,
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "ParallelizationFactor": parallel,
    }


def _bus_of(trigger: Bus) -> Json:
    """Return the stream or the consumer that a function reads the bus from.

    A registered reader has 2 MB/s of each shard and is pushed to; the others share five reads a second. Some functions
    always have a connection of their own, others only if the stage pays for it.
    """
    if not trigger.reader:
        # Fn::Sub and not Fn::GetAtt, because that is what Chalice has there: a merge would leave both.
        return {"Fn::Sub": "${EventBus.Arn}"}
    if not trigger.reader_is_optional:
        return {"Fn::Sub": f"${{{trigger.reader}.ConsumerARN}}"}
    source = {"Fn::If": ["HasFanOut", ref(trigger.reader), {"Fn::GetAtt": ["EventBus", "Arn"]}]}
    return {"Fn::Sub": ["${Source}", {"Source": source}]}


def event_source(function: Function) -> Json | None:
    """Return what configures the function's event source, under Chalice's name for it, or None if it has none."""
    match function.trigger:
        case LogStream():
            kind, properties = "Dynamodb", _mapping({"Fn::GetAtt": ["EventsTable", "StreamArn"]}, parallel=1)
        case Bus(parallel=parallel):
            kind, properties = "Kinesis", _mapping(_bus_of(function.trigger), parallel)
        case Queue(most_at_once=most, queue=queue):
            # Failed messages come again alone; what fails for good goes to the dead letters by the queue's own policy.
            kind, properties = (
                "Sqs",
                {
                    "Queue": {"Fn::Sub": f"${{{queue}.Arn}}"},
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "ScalingConfig": {"MaximumConcurrency": most},
                },
            )
        case _:
            return None
    return {f"{logical_id(function)}{kind}EventSource": {"Properties": properties}}


def environment(function: Function) -> Json:
    """Return the settings that the function reads, and no others."""
    settings: Json = {}
    for need, provision in PROVISIONS.items():
        if need in function.needs:
            settings |= provision.environment
    return settings


PARAMETERS: Json = {
    "Stage": {
        "Type": "String",
        "Default": "prod",
        "AllowedPattern": "[a-z][a-z0-9-]{0,15}",
        "ConstraintDescription": "small letters, digits and hyphens, 16 at most",
        "Description": "Part of every name; one account and region can hold several stages",
    },
    "SubnetIds": {
        "Type": "List<AWS::EC2::Subnet::Id>",
        "Description": "The subnets of the functions that use Postgres or Redis",
    },
    "SecurityGroupId": {
        "Type": "AWS::EC2::SecurityGroup::Id",
        "Description": "The security group of the functions in these subnets",
    },
    "DatabaseUrl": {
        "Type": "String",
        "AllowedPattern": "postgres(ql)?://([^:@/]+@)?[^@/]+/.+",
        "ConstraintDescription": "an address without a password",
        "Description": "Postgres of the programme: postgresql://host:port/database?sslmode=require",
    },
    "DatabaseSecretId": {
        "Type": "String",
        "AllowedPattern": "arn:.+",
        "Description": "ARN of the secret with username and password for it, as RDS stores and rotates it",
    },
    "IdKeySecretId": {
        "Type": "String",
        "MinLength": 1,
        "Description": "ARN of the secret with the key of ids; with another key, a repeated request is a new one",
    },
    "TicketKeySecretId": {
        "Type": "String",
        "MinLength": 1,
        "Description": "ARN of the secret with the keys that sign tickets, one a line, newest first",
    },
    "WalletsSecretId": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(arn:.+)?",
        "Description": "ARN of the secret that signs passes for Apple Wallet and Google Wallet, if there are any",
    },
    "RedisUrl": {
        "Type": "String",
        "AllowedPattern": "rediss?://[^@]+",
        "ConstraintDescription": "an address without a password",
        "Description": "Redis of the availability; its security group decides who may connect",
    },
    "JwksUrl": {
        "Type": "String",
        "AllowedPattern": "https://.+",
        "Description": "Where the token issuer publishes its keys",
    },
    "JwtIssuer": {"Type": "String", "MinLength": 1, "Description": "The claim iss of the tokens we accept"},
    "JwtAudience": {"Type": "String", "MinLength": 1, "Description": "The claim aud of the tokens we accept"},
    "UserPoolArn": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(arn:.+)?",
        "Description": "The user pool that issues the tokens, so that the user of an erased person is deleted there",
    },
    "StaffMfa": {
        "Type": "String",
        "Default": "required",
        "AllowedValues": ["required", "optional"],
        "Description": "Whether organisers, doors and operators must sign in with a second factor",
    },
    "QueryPatience": {
        "Type": "Number",
        "Default": 1,
        "MinValue": 1,
        "MaxValue": 10,
        "Description": "How many times as long as usual a query waits for Postgres or Redis",
    },
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
    "PaymentReturnUrl": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(https://.+)?",
        "Description": "The page to which a bank sends a customer back who has authenticated a payment; without it the "
        "browser's library of the provider asks the customer",
    },
    "MailFrom": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "([^@ ]+@[^@ ]+[.][^@ ]+)?",
        "Description": "The address from which buyers get mails; without it they get none",
    },
    "MailName": {
        "Type": "String",
        "Default": "Cloudbash",
        "MinLength": 1,
        "Description": "The name from which buyers get mails",
    },
    "MailIdentityArn": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(arn:.+)?",
        "Description": "The identity in SES of that address, or of its domain; it may be verified later",
    },
    "ShopUrl": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(https://.+)?",
        "Description": "Where the pages of the shop are, to which mails lead; without it they lead to the API",
    },
    "ApiUrl": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "(https://.+)?",
        "Description": "Where the API is for the public, if it has a domain of its own",
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
        "Description": "How many requests the API admits before it answers 429",
    },
    "AppendWith": {
        "Type": "String",
        "Default": "partiql",
        "AllowedValues": ["partiql", "put"],
        "Description": "How events are appended. On AWS no function may put items; the emulator streams only put items",
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
    "DeclinesPerCustomer": {
        "Type": "Number",
        "Default": 5,
        "MinValue": 1,
        "Description": "How many payments of one customer may be declined before the next has to wait",
    },
    "DeclinesPerAddress": {
        "Type": "Number",
        "Default": 20,
        "MinValue": 1,
        "Description": "How many payments from one network address may be declined before the next has to wait",
    },
    "DeclineMinutes": {
        "Type": "Number",
        "Default": 60,
        "MinValue": 1,
        "Description": "How long declined payments count, from the first of them on",
    },
    "GuestMinutes": {
        "Type": "Number",
        "Default": 120,
        "MinValue": 1,
        "Description": "How long the token of a guest is valid",
    },
    "GuestsPerAddress": {
        "Type": "Number",
        "Default": 100,
        "MinValue": 1,
        "Description": "How many guests may come from one network address before the next has to wait or sign in",
    },
    "GuestWindowMinutes": {
        "Type": "Number",
        "Default": 10,
        "MinValue": 1,
        "Description": "How long guests count at their network address, from the first of them on",
    },
    "GuestTicketsPerAddress": {
        "Type": "Number",
        "Default": 60,
        "MinValue": 1,
        "Description": "How many tickets of a type the guests of one network address take in the time of two holds",
    },
    "CertificateMinutes": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "Description": "How often the tickets sold of a concert are counted and certified",
    },
    "CoolDownMinutes": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "Description": "After which break a customer may hold tickets of a concert for the full time again",
    },
    "OpenCarts": {
        "Type": "Number",
        "Default": 1,
        "MinValue": 1,
        "Description": "How many open carts one customer has at most; each has limits of its own",
    },
    "HeldPerConcert": {
        "Type": "Number",
        "Default": 10,
        "MinValue": 1,
        "Description": "How many unpaid tickets of a concert one customer holds, where its organiser says nothing",
    },
    "UnpaidOrders": {
        "Type": "Number",
        "Default": 3,
        "MinValue": 1,
        "Description": "How many unpaid orders of a concert one customer has at most",
    },
    "CartBurst": {
        "Type": "Number",
        "Default": 20,
        "MinValue": 1,
        "Description": "How many changes of a cart are taken at once; later ones are taken one every five seconds",
    },
}


CONDITIONS: Json = {
    "HasFanOut": {"Fn::Equals": [ref("FanOut"), "true"]},
    "HasStripe": {"Fn::Not": [{"Fn::Equals": [ref("StripeSecretId"), ""]}]},
    "HasApiUrl": {"Fn::Not": [{"Fn::Equals": [ref("ApiUrl"), ""]}]},
    "HasMail": {"Fn::Not": [{"Fn::Equals": [ref("MailIdentityArn"), ""]}]},
    "HasUserPool": {"Fn::Not": [{"Fn::Equals": [ref("UserPoolArn"), ""]}]},
    "HasWallets": {"Fn::Not": [{"Fn::Equals": [ref("WalletsSecretId"), ""]}]},
    "HasWebAcl": {"Fn::Not": [{"Fn::Equals": [ref("WebAclArn"), ""]}]},
}

API: Json = {
    "Properties": {
        "DefinitionBody": {
            "info": {"title": {"Fn::Sub": alarms.API_NAME}},
            "paths": methods.paths(),
            "x-amazon-apigateway-gateway-responses": gateway_responses(),
        },
        "TracingEnabled": True,
        "MethodSettings": [
            {
                "HttpMethod": "*",
                "ResourcePath": "/*",
                "ThrottlingRateLimit": ref("RequestsPerSecond"),
                "ThrottlingBurstLimit": ref("RequestsPerSecond"),
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
            "Description": "The secret with which the sandbox provider signs its notifications to our webhook",
            "GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True},
        },
    },
    "GuestKey": {
        "Type": "AWS::SecretsManager::Secret",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "Description": "The secret from which the key of guests' tokens follows; docs/operations.md rotates it",
            "GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True},
        },
    },
    **mail_events.RESOURCES,
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
            "WebACLArn": ref("WebAclArn"),
            "ResourceArn": {"Fn::Sub": f"{_APIS}/${{RestAPI}}/stages/${{RestAPI.Stage}}"},
        },
    },
}
"""The functions need these in addition to the tables and streams, which the local stack has as well."""


def merge_template() -> Json:
    resources: Json = json.loads(RESOURCES.read_text())["Resources"] | OF_THE_STAGE
    for function in FUNCTIONS.values():
        resources[logical_id(function)] = {"Properties": _properties(function)}
        resources[logs_of(function)] = _log_group(function)
    resources["ManagedLayer"] = {
        "Properties": {"LayerName": {"Fn::Sub": "cloudbash-${Stage}-dependencies"}, "RetentionPolicy": "Delete"}
    }
    resources |= {resource_of(layer): _layer(layer) for layer in LAYERS}
    resources["RestAPI"] = API
    return {
        "Description": "Cloudbash, an event-sourced ticket shop",
        "Parameters": PARAMETERS | alarms.PARAMETERS,
        "Conditions": CONDITIONS | alarms.CONDITIONS,
        "Resources": resources | alarms.resources(FUNCTIONS) | {"Dashboard": dashboard.resource(FUNCTIONS)},
    }


def _properties(function: Function) -> Json:
    properties: Json = {
        "FunctionName": _name(function),
        # Every line as JSON. Metrics are lines without a level, which count as INFO: with less they would be lost.
        "LoggingConfig": {
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",
            "LogGroup": ref(logs_of(function)),
        },
        "Environment": {"Variables": environment(function)},
        "Tracing": "Active",
    }
    if function.layers:  # the whole list: a merge replaces it
        properties["Layers"] = [ref("ManagedLayer"), *(ref(resource_of(layer)) for layer in function.layers)]
    if function.is_inside:
        properties["VpcConfig"] = {"SubnetIds": ref("SubnetIds"), "SecurityGroupIds": [ref("SecurityGroupId")]}
    source = event_source(function)
    return properties | ({"Events": source} if source else {})


def _layer(layer: str) -> Json:
    """Return a layer of single functions, which `infra.package` builds: Chalice makes one layer for all functions."""
    return {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {
            "LayerName": {"Fn::Sub": f"cloudbash-${{Stage}}-{layer}"},
            "CompatibleRuntimes": [runtime.RUNTIME],
            "CompatibleArchitectures": ["x86_64"],
            "ContentUri": f"./{file_of(layer)}",
        },
    }


def _log_group(function: Function) -> Json:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/cloudbash-${{Stage}}-{physical_name(function)}"},
            "RetentionInDays": LOG_RETENTION_DAYS,
        },
    }


def _name(function: Function) -> Json:
    return {"Fn::Sub": f"cloudbash-${{Stage}}-{physical_name(function)}"}
