"""Derives the IAM policy of each function from its trigger and its needs.

So nobody has to maintain the least privilege by hand.
"""

import json
from collections.abc import Iterator
from typing import Any

from chalicelib.platform.function import Bus, Function, LogStream, Queue
from infra.names import logs_of, physical_name
from infra.needs import PROVISIONS, Grant, arn_of, inside

Json = dict[str, Any]

_READ_BUS = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
_TRACING = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


def policy_of(function: Function) -> Json:
    """Return a policy with what the function may do, and nothing else."""
    statements = [_allow(("logs:CreateLogStream", "logs:PutLogEvents"), arn_of(logs_of(function)))]
    statements += [{"Effect": "Allow", "Action": _TRACING, "Resource": "*"}]
    if function.is_inside:
        statements += [{"Effect": "Allow", "Action": _INTERFACES, "Resource": "*"}, _no_interfaces_of_its_own(function)]
    grants = [*_of_the_trigger(function), *_of_the_needs(function)]
    return {"Version": "2012-10-17", "Statement": [*statements, *map(_statement, _merged(grants))]}


def _no_interfaces_of_its_own(function: Function) -> Json:
    """Deny the function's code what Lambda may do in its name, when it connects the function to the VPC."""
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:cloudbash-${Stage}-"
    return {
        "Effect": "Deny",
        "Action": _INTERFACES,
        "Resource": "*",
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::Sub": f"{arn}{physical_name(function)}"}}},
    }


def _of_the_trigger(function: Function) -> Iterator[Grant]:
    match function.trigger:
        case LogStream():
            reading = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
            yield Grant(reading, arn_of("EventsTable", "StreamArn"))
            yield Grant(("dynamodb:ListStreams",), inside("EventsTable", "stream/*"))
        case Bus(reader=reader, reader_is_optional=is_optional):
            yield Grant(_READ_BUS, arn_of("EventBus"))
            if reader and is_optional:
                yield Grant(("kinesis:SubscribeToShard",), inside("EventBus", "consumer/*"))
            elif reader:
                subscribing = ("kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard")
                yield Grant(subscribing, arn_of(reader, "ConsumerARN"))
        case Queue(queue=queue):
            receiving = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
            yield Grant(receiving, arn_of(queue))


def _of_the_needs(function: Function) -> Iterator[Grant]:
    for need, provision in PROVISIONS.items():
        if need in function.needs:
            yield from provision.grants


def _merged(grants: list[Grant]) -> list[Grant]:
    """Merge the grants into one for each resource."""
    merged: dict[str, Grant] = {}
    for grant in grants:
        key = json.dumps([grant.resource, grant.condition])
        known = merged.get(key, Grant((), grant.resource, grant.condition))
        actions = tuple(sorted({*known.actions, *grant.actions}))
        merged[key] = Grant(actions, grant.resource, grant.condition)
    return list(merged.values())


def _statement(grant: Grant) -> Json:
    allowed = _allow(grant.actions, grant.resource)
    return {"Fn::If": [grant.condition, allowed, {"Ref": "AWS::NoValue"}]} if grant.condition else allowed


def _allow(actions: tuple[str, ...], resource: Json) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
