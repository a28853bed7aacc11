"""Creates on the emulator what `infra/resources.json` declares, so that it is described only once."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped,unused-ignore]  # whether its stubs are there depends on the extras
from botocore.config import Config

from local.template import TemplateError, resolve

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_kinesis import KinesisClient

REGION = "eu-west-1"
ACCOUNT = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}

TABLE = "AWS::DynamoDB::Table"
STREAM = "AWS::Kinesis::Stream"
QUEUE = "AWS::SQS::Queue"
BUCKET = "AWS::S3::Bucket"
ACTIVE_WITHIN = 20.0
POLL = 0.02
DEFAULT_RETENTION_HOURS = 24

CREATE_TABLE_TAKES = {
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "TableClass",
    "DeletionProtectionEnabled",
}
TABLE_SET_AFTERWARDS = {"PointInTimeRecoverySpecification", "TimeToLiveSpecification", "StreamSpecification"}
STREAM_TAKES = {"Name", "ShardCount", "StreamModeDetails", "RetentionPeriodHours"}
QUEUE_TAKES = {"QueueName", "VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"}
BUCKET_TAKES = {"BucketName", "ObjectLockEnabled", "ObjectLockConfiguration", "VersioningConfiguration"}
# Encryption, tags, metrics and what happens after weeks change nothing an emulator could show.
WITHOUT_EFFECT_HERE = {
    "SSESpecification",
    "StreamEncryption",
    "Tags",
    "ContributorInsightsSpecification",
    "ResourcePolicy",
    "WarmThroughput",
    "BucketEncryption",
    "LifecycleConfiguration",
    "PublicAccessBlockConfiguration",
}


@dataclass(frozen=True)
class Resources:
    names: dict[str, str]
    """It maps a logical id to the physical name."""
    stream_arns: dict[str, str]
    """It maps a table's logical id to the ARN of its stream."""
    queue_urls: dict[str, str]
    """It maps a queue's logical id to its URL."""


class Aws:
    """Holds clients for the emulator; they are made once, because making one costs as much as fifty calls."""

    def __init__(self, endpoint_url: str) -> None:
        self._session = boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        self._endpoint_url = endpoint_url
        self._config = Config(
            connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2}, max_pool_connections=50
        )

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def dynamodbstreams(self) -> "DynamoDBStreamsClient":
        client: DynamoDBStreamsClient = self._client("dynamodbstreams")
        return client

    @cached_property
    def kinesis(self) -> "KinesisClient":
        client: KinesisClient = self._client("kinesis")
        return client

    @cached_property
    def sqs(self) -> Any:
        return self._client("sqs")

    @cached_property
    def s3(self) -> Any:
        return self._client("s3")

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint_url, config=self._config)


def create_resources(aws: Aws, file: Path, parameters: Mapping[str, str]) -> Resources:
    """Create the resources, except the kinds that only AWS needs, such as alarms and policies."""
    known = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", **parameters}
    declared = json.loads(file.read_text())["Resources"]
    names: dict[str, str] = {}
    creators = {TABLE: _create_table, STREAM: _create_stream, BUCKET: _create_bucket}
    for logical_id, resource in declared.items():
        if create := creators.get(resource["Type"]):
            names[logical_id] = create(aws, logical_id, resolve(resource["Properties"], known))
    arns = {
        logical_id: _wait_for_table(aws, name)
        for logical_id, name in names.items()
        if declared[logical_id]["Type"] == TABLE
    }
    for logical_id, name in names.items():
        if declared[logical_id]["Type"] == STREAM:
            _wait_for_stream(aws, name)
    queue_urls = {
        logical_id: _create_queue(aws, logical_id, resolve(resource["Properties"], known))
        for logical_id, resource in dead_letters_first(declared)
    }
    return Resources(names, {logical_id: arn for logical_id, arn in arns.items() if arn}, queue_urls)


def dead_letters_first(declared: dict[str, Any]) -> list[tuple[str, Any]]:
    queues = [(logical_id, resource) for logical_id, resource in declared.items() if resource["Type"] == QUEUE]
    return sorted(queues, key=lambda queue: "RedrivePolicy" in queue[1]["Properties"])


def _create_table(aws: Aws, logical_id: str, properties: dict[str, Any]) -> str:
    _refuse_unknown(logical_id, properties, CREATE_TABLE_TAKES | TABLE_SET_AFTERWARDS | WITHOUT_EFFECT_HERE)
    name: str = properties["TableName"]
    arguments = {key: value for key, value in properties.items() if key in CREATE_TABLE_TAKES}
    for index in arguments.get("GlobalSecondaryIndexes", []):
        for key in ("ContributorInsightsSpecification", "WarmThroughput"):
            index.pop(key, None)
    if stream := properties.get("StreamSpecification"):
        arguments["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    with suppress(aws.dynamodb.exceptions.ResourceInUseException):  # made by a request that was not answered in time
        aws.dynamodb.create_table(**arguments)
    if (recovery := properties.get("PointInTimeRecoverySpecification")) and recovery["PointInTimeRecoveryEnabled"]:
        aws.dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    if (expiry := properties.get("TimeToLiveSpecification")) and expiry["Enabled"]:
        aws.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    return name


def _create_stream(aws: Aws, logical_id: str, properties: dict[str, Any]) -> str:
    _refuse_unknown(logical_id, properties, STREAM_TAKES | WITHOUT_EFFECT_HERE)
    name: str = properties["Name"]
    arguments = {key: properties[key] for key in ("ShardCount", "StreamModeDetails") if key in properties}
    with suppress(aws.kinesis.exceptions.ResourceInUseException):  # the same
        aws.kinesis.create_stream(StreamName=name, **arguments)
    hours = properties.get("RetentionPeriodHours", DEFAULT_RETENTION_HOURS)
    if hours != DEFAULT_RETENTION_HOURS:
        _wait_for_stream(aws, name)
        aws.kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
    return name


def _create_queue(aws: Aws, logical_id: str, properties: dict[str, Any]) -> str:
    _refuse_unknown(logical_id, properties, QUEUE_TAKES | WITHOUT_EFFECT_HERE)
    attributes = {
        name: json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in properties.items()
        if name in QUEUE_TAKES - {"QueueName"}
    }
    url: str = aws.sqs.create_queue(QueueName=properties["QueueName"], Attributes=attributes)["QueueUrl"]
    return url


def _create_bucket(aws: Aws, logical_id: str, properties: dict[str, Any]) -> str:
    _refuse_unknown(logical_id, properties, BUCKET_TAKES | WITHOUT_EFFECT_HERE)
    name: str = properties["BucketName"]
    with suppress(aws.s3.exceptions.BucketAlreadyOwnedByYou):  # the same
        aws.s3.create_bucket(
            Bucket=name,
            ObjectLockEnabledForBucket=properties.get("ObjectLockEnabled", False),
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
    if versioning := properties.get("VersioningConfiguration"):
        aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if lock := properties.get("ObjectLockConfiguration"):
        aws.s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    return name


def _refuse_unknown(logical_id: str, properties: dict[str, Any], known: set[str]) -> None:
    if unknown := properties.keys() - known:
        raise TemplateError(f"{logical_id}: the local stack does not know {', '.join(sorted(unknown))}")


def _wait_for_table(aws: Aws, name: str) -> str | None:
    def look() -> tuple[str, str | None]:
        table = aws.dynamodb.describe_table(TableName=name)["Table"]
        return table["TableStatus"], table.get("LatestStreamArn")

    return _wait_until_active(name, look)


def _wait_for_stream(aws: Aws, name: str) -> None:
    def look() -> tuple[str, None]:
        return aws.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"], None

    _wait_until_active(name, look)


def _wait_until_active(name: str, look: Callable[[], tuple[str, str | None]]) -> str | None:
    deadline = time.monotonic() + ACTIVE_WITHIN
    while True:
        status, answer = look()
        if status == "ACTIVE":
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} is {status}, not active, after {ACTIVE_WITHIN:.0f} s")
        time.sleep(POLL)
