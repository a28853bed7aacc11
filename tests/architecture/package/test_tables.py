"""What is kept, for how long and under which names."""

import json

from tests.architecture.package.template import Json


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
