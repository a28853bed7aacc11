"""What a stage stands on: infra/foundation.yaml."""

import json
from typing import Any

import pytest
from cfnlint.decode import decode_str  # type: ignore[import-untyped]

from chalicelib.platform.caller import Role
from infra.checks import findings
from infra.deploy import FOUNDATION, OF_THE_SHOP
from infra.package import REGION

Json = dict[str, Any]

FOR_THE_DEPLOYMENT = {"UserPoolId", "PackageBucket"}
"""Outputs that are no parameters of the other stack."""


@pytest.fixture(scope="module")
def foundation() -> Json:
    decoded, _ = decode_str(FOUNDATION.read_text())
    found: Json = decoded
    return found


@pytest.fixture(scope="module")
def foundation_resources(foundation: Json) -> Json:
    found: Json = foundation["Resources"]
    return found


def of_type(resources: Json, kind: str) -> Json:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def test_cloudformation_would_find_nothing_wrong() -> None:
    assert findings(FOUNDATION.read_text(), REGION) == []


def test_every_output_fills_a_parameter_of_the_shop(foundation: Json) -> None:
    assert foundation["Outputs"].keys() - OF_THE_SHOP.keys() == FOR_THE_DEPLOYMENT


def test_every_parameter_without_a_default_is_filled(foundation: Json) -> None:
    needed = {name for name, parameter in OF_THE_SHOP.items() if "Default" not in parameter}
    assert needed <= foundation["Outputs"].keys()


def test_the_groups_of_users_are_the_roles_that_the_shop_knows(foundation_resources: Json) -> None:
    groups = {
        group["Properties"]["GroupName"]
        for group in of_type(foundation_resources, "AWS::Cognito::UserPoolGroup").values()
    }
    assert groups == set(Role) - {Role.CUSTOMER}


def test_a_browser_can_sign_in_without_a_secret(foundation_resources: Json) -> None:
    [client] = of_type(foundation_resources, "AWS::Cognito::UserPoolClient").values()
    assert client["Properties"]["GenerateSecret"] is False
    assert "ALLOW_USER_SRP_AUTH" in client["Properties"]["ExplicitAuthFlows"]


def test_users_and_two_keys_outlive_the_stack_and_nothing_else_does(
    foundation_resources: Json,
) -> None:
    kept = {name for name, resource in foundation_resources.items() if resource.get("DeletionPolicy") == "Retain"}
    assert kept == {"Users", "IdKey", "TicketKey"}
    assert foundation_resources["Users"]["Properties"]["DeletionProtection"] == "ACTIVE"


def test_every_password_of_a_database_is_held_and_rotated_by_rds(foundation_resources: Json) -> None:
    databases = [foundation_resources["Database"], foundation_resources["Aurora"]]
    assert all(database["Properties"]["ManageMasterUserPassword"] is True for database in databases)
    assert not [database for database in databases if "MasterUserPassword" in database["Properties"]]


def test_both_kinds_of_database_take_only_encrypted_connections_and_end_those_that_sleep(
    foundation_resources: Json,
) -> None:
    for parameters in ("DatabaseParameters", "AuroraParameters"):
        values = foundation_resources[parameters]["Properties"]["Parameters"]
        assert values == {"rds.force_ssl": "1", "idle_session_timeout": "300000"}


def test_only_functions_reach_the_databases_and_nobody_reaches_functions(foundation_resources: Json) -> None:
    groups = of_type(foundation_resources, "AWS::EC2::SecurityGroup")
    sources = {
        name: [rule["SourceSecurityGroupId"] for rule in group["Properties"].get("SecurityGroupIngress", [])]
        for name, group in groups.items()
    }
    functions = {"Ref": "FunctionsGroup"}
    assert sources == {"FunctionsGroup": [], "DatabaseGroup": [functions], "CacheGroup": [functions]}


def test_redis_and_postgres_are_in_no_public_subnet(foundation_resources: Json) -> None:
    private = [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}]
    assert foundation_resources["DatabaseSubnets"]["Properties"]["SubnetIds"] == private
    assert foundation_resources["CacheSubnets"]["Properties"]["SubnetIds"] == private
    assert foundation_resources["Cache"]["Properties"]["TransitEncryptionEnabled"] is True


def test_there_is_a_way_out_of_every_private_subnet_and_a_free_one_to_dynamodb_and_s3(
    foundation_resources: Json,
) -> None:
    out = {route["Properties"]["RouteTableId"]["Ref"] for route in _routes_to_nat(foundation_resources)}
    assert out == {"PrivateRoutesOfA", "PrivateRoutesOfB"}
    endpoints = of_type(foundation_resources, "AWS::EC2::VPCEndpoint").values()
    assert all(endpoint["Properties"]["VpcEndpointType"] == "Gateway" for endpoint in endpoints)
    services = {endpoint["Properties"]["ServiceName"]["Fn::Sub"].rpartition(".")[2] for endpoint in endpoints}
    assert services == {"dynamodb", "s3"}
    for endpoint in endpoints:
        assert {table["Ref"] for table in endpoint["Properties"]["RouteTableIds"]} == out


def test_too_many_requests_from_an_address_or_of_a_person_are_answered_429_with_a_reason(
    foundation_resources: Json,
) -> None:
    acl = foundation_resources["WebAclOfTheStage"]["Properties"]
    rules = [rule for rule in acl["Rules"] if "RateBasedStatement" in rule["Statement"]]
    keys = [rule["Statement"]["RateBasedStatement"]["AggregateKeyType"] for rule in rules]
    assert keys == ["IP", "CUSTOM_KEYS"]
    for rule in rules:
        response = rule["Action"]["Block"]["CustomResponse"]
        body = json.loads(acl["CustomResponseBodies"][response["CustomResponseBodyKey"]]["Content"])
        headers = {header["Name"]: header["Value"] for header in response["ResponseHeaders"]}
        assert (response["ResponseCode"], body["status"], body["code"]) == (429, 429, "too_many_requests")
        assert headers["Retry-After"] == str(body["retry_after"])


def _routes_to_nat(resources: Json) -> list[Json]:
    routes = of_type(resources, "AWS::EC2::Route").values()
    return [route for route in routes if "NatGatewayId" in route["Properties"]]
