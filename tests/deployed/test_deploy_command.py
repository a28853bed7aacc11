"""`make deploy` and `make destroy`, step by step, in an account that the emulator plays."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.http.auth import RemoteKeys, TokenVerifier
from infra import destroy as destroying
from infra.deploy import Deployment
from infra.destroy import Destruction
from infra.failures import DeploymentFailed
from infra.people import somebody
from infra.progress import Progress
from infra.retention import kept_by
from infra.stacks import Event, Stack
from infra.upload import NAMES, write_names_out
from tests.support.cloud import POLL, STAGE, Cloud, running_cloud

Json = dict[str, Any]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running_cloud() as running:
        yield running


@pytest.fixture(scope="module")
def deployed(cloud: Cloud) -> Deployment:
    """As `make deploy` does it, for the first time."""
    deployment = cloud.deployment()
    deployment.build_foundation(cloud.foundation)
    deployment.build_shop(cloud.package)
    deployment.migrate()
    return deployment


def table(name: str, **properties: Any) -> Json:
    key = [{"AttributeName": "Id", "AttributeType": "S"}]
    described = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": key,
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
    }
    return {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": described | properties}


def body(**resources: Json) -> dict[str, str]:
    return {"TemplateBody": json.dumps({"Resources": resources})}


OF_NO_POOL: Json = {
    "Type": "AWS::Cognito::UserPoolGroup",
    "Properties": {"UserPoolId": "eu-west-1_none", "GroupName": "nobody"},
}
"""Cannot be made."""


def stack(cloud: Cloud, name: str, told: list[Event] | None = None) -> Stack:
    return Stack(cloud.client("cloudformation"), name, ([] if told is None else told).append, POLL)


# A whole stage


def test_a_stage_that_was_just_deployed_sells_a_free_ticket(cloud: Cloud, deployed: Deployment) -> None:
    deployed.buy_a_free_ticket(cloud.base_url(deployed))
    pool = deployed.foundation.outputs()["UserPoolId"]
    assert cloud.client("cognito-idp").list_users(UserPoolId=pool)["Users"] == []


@pytest.mark.usefixtures("deployed")
def test_a_second_deployment_of_the_same_changes_nothing(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    again = cloud.deployment()
    again.build_foundation(cloud.foundation)
    again.build_shop(cloud.package)
    again.migrate()
    said = capsys.readouterr().out
    for line in ("Foundation: unchanged", "everything is there already", "Shop: unchanged", "none were missing"):
        assert line in said


def test_no_environment_shows_a_secret(cloud: Cloud, deployed: Deployment) -> None:
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    environments = [function["Environment"]["Variables"] for page in pages for function in page["Functions"]]
    shop = deployed.shop.resources()
    [kept] = [found["PhysicalResourceId"] for found in shop if found["LogicalResourceId"] == "SandboxSecret"]
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=kept)["SecretString"]
    assert len(secret) == 64
    assert environments
    assert not [shown for shown in environments if secret in shown.values() or "any, on this" in str(shown)]


def test_a_token_that_the_pool_gave_an_organiser_is_accepted_as_such(cloud: Cloud, deployed: Deployment) -> None:
    made = deployed.foundation.outputs()
    verifier = TokenVerifier(RemoteKeys(made["JwksUrl"]), made["JwtIssuer"], made["JwtAudience"])
    with somebody(cloud.client("cognito-idp"), made["UserPoolId"], made["JwtAudience"], ["organisers"]) as token:
        actor = verifier.verify(f"Bearer {token}").actor
    assert actor.roles == {Role.CUSTOMER, Role.ORGANISER}


def test_a_token_for_another_client_of_the_pool_is_refused(cloud: Cloud, deployed: Deployment) -> None:
    made = deployed.foundation.outputs()
    cognito = cloud.client("cognito-idp")
    verifier = TokenVerifier(RemoteKeys(made["JwksUrl"]), made["JwtIssuer"], made["JwtAudience"])
    other = cognito.create_user_pool_client(
        UserPoolId=made["UserPoolId"], ClientName="other", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    with (
        somebody(cognito, made["UserPoolId"], other, []) as token,
        pytest.raises(Unauthenticated),
    ):
        verifier.verify(f"Bearer {token}")


def test_a_migration_that_fails_is_told_with_its_reason(cloud: Cloud, deployed: Deployment) -> None:
    secret = "database"
    client = cloud.client("secretsmanager")
    kept = client.get_secret_value(SecretId=secret)["SecretString"]
    client.put_secret_value(SecretId=secret, SecretString=json.dumps({"username": "nobody", "password": ""}))
    try:
        with pytest.raises(DeploymentFailed, match=r"cloudbash-test-migrate failed: .*nobody"):
            deployed.migrate()
    finally:
        client.put_secret_value(SecretId=secret, SecretString=kept)


def test_a_stage_is_not_destroyed_by_somebody_who_is_not_sure(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "prod")
    assert destroying.main(["--stage", "test", "--region", "eu-west-1"]) == 1
    told = capsys.readouterr()
    assert "cloudbash-test-events" in told.out
    assert "Nothing was destroyed." in told.err
    assert deployed.shop.exists


def test_what_is_destroyed_leaves_the_log_and_the_keys(cloud: Cloud, deployed: Deployment) -> None:
    destruction = Destruction(cloud.account, STAGE, Progress(), POLL)
    retained = destruction.retained()
    destruction.destroy()
    assert not deployed.shop.exists
    assert not deployed.foundation.exists
    assert "DynamoDB::Table cloudbash-test-events" in retained
    assert [line for line in retained if line.startswith("KMS::Key")]
    assert not [line for line in retained if "cloudbash-test-read" in line]
    assert cloud.client("dynamodb").scan(TableName="cloudbash-test-events", Select="COUNT")["Count"] > 0
    destruction.destroy()


# One stack


def test_each_resource_is_told_when_it_is_made(cloud: Cloud) -> None:
    told: list[Event] = []
    assert stack(cloud, "told", told).bring_to(body(Table=table("told")), {})
    assert ("Table", "CREATE_COMPLETE") in {(event.resource, event.status) for event in told}


def test_a_failure_names_the_resource_and_the_reason(cloud: Cloud) -> None:
    broken = body(Fine=table("fine"), Broken=OF_NO_POOL)
    with pytest.raises(DeploymentFailed, match=r"ROLLBACK_COMPLETE(?s:.)*Broken \(AWS::Cognito::UserPoolGroup\): .+"):
        stack(cloud, "broken").bring_to(broken, {})


def test_after_a_first_deployment_that_failed_the_next_one_begins_anew(cloud: Cloud) -> None:
    broken = body(Broken=OF_NO_POOL)
    again = stack(cloud, "again")
    with pytest.raises(DeploymentFailed):
        again.bring_to(broken, {})
    assert again.bring_to(body(Fine=table("again")), {})
    found = cloud.client("cloudformation").describe_stacks(StackName="again")["Stacks"][0]
    assert found["StackStatus"] == "CREATE_COMPLETE"  # AWS updates nothing that was never made
    assert not again.bring_to(body(Fine=table("again")), {})


def test_a_later_deployment_that_fails_leaves_what_was_and_can_be_mended(cloud: Cloud) -> None:
    kept = stack(cloud, "kept")
    kept.bring_to(body(Fine=table("kept")), {})
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        kept.bring_to(body(Fine=table("kept"), More=OF_NO_POOL), {})
    assert kept.bring_to(body(Fine=table("kept"), More=table("more")), {})


def test_what_an_account_kept_is_taken_back_as_it_was(cloud: Cloud) -> None:
    dynamodb, anew = cloud.client("dynamodb"), stack(cloud, "anew")
    anew.bring_to(body(Log=table("log")), {})
    dynamodb.put_item(TableName="log", Item={"Id": {"S": "kept"}})
    anew.delete()
    anew.bring_to(body(Log=table("log")), {})
    assert dynamodb.scan(TableName="log")["Items"] == [{"Id": {"S": "kept"}}]


def test_the_names_of_what_is_kept_are_written_out(cloud: Cloud) -> None:
    """Only then CloudFormation finds it again."""
    template = json.loads((cloud.package / "sam.json").read_text())
    write_names_out(template, {"Stage": "test", "AWS::AccountId": "123456789012", "AWS::Region": "eu-west-1"})
    kept = [template["Resources"][name] for name in kept_by(template)]
    names = {one["Properties"][NAMES[one["Type"]]] for one in kept if one["Type"] in NAMES}
    assert {
        "cloudbash-test-events",
        "cloudbash-test-heads-123456789012-eu-west-1",
        "/aws/lambda/cloudbash-test-api",
    } <= names
    assert {one["Type"] for one in kept} - NAMES.keys() == {"AWS::KMS::Key"}


def test_a_template_that_is_refused_is_told_in_the_words_of_cloudformation(cloud: Cloud) -> None:
    template = {"Parameters": {"Unnamed": {"Type": "String"}}, "Resources": {"Table": table("refused")}}
    with pytest.raises(DeploymentFailed, match=r"refused: .*Unnamed"):
        stack(cloud, "refused").bring_to({"TemplateBody": json.dumps(template)}, {})


def test_there_is_nothing_to_delete_twice(cloud: Cloud) -> None:
    gone = stack(cloud, "gone")
    gone.bring_to(body(Table=table("gone")), {})
    gone.delete()
    gone.delete()
    assert not gone.exists
    assert gone.outputs() == {}


def test_the_region_is_the_one_that_was_named(cloud: Cloud) -> None:
    assert cloud.account.region == "eu-west-1"
    assert boto3.Session().client("sts", region_name="eu-west-1").get_caller_identity()["Account"] == cloud.account.id
