"""What is inside the VPC, traced, limited and guarded."""

import json

from tests.architecture.package.template import BY_ID, Json, of_type


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
