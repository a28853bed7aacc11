"""The shop as it would be on AWS, for whoever wants to look behind its address."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import boto3

from infra.stage import Stage
from local import ports
from local.issuer import Issuer
from local.resources import REGION
from tests.support.cloud import POLL, STAGE, Cloud, running_cloud

Json = dict[str, Any]
T = TypeVar("T")

WITHIN = 180.0


def eventually(ask: Callable[[], T], wanted: Callable[[T], object], within: float = WITHIN) -> T:
    """The first answer that is wanted; the last one when time is up, for the caller to assert on."""
    deadline = time.monotonic() + within
    while not wanted(answer := ask()) and time.monotonic() < deadline:
        time.sleep(POLL)
    return answer


class DeployedShop:
    """`template` is what was deployed, `issuer` the one whose tokens it accepts."""

    def __init__(self, cloud: Cloud, issuer: Issuer, jwks_url: str) -> None:
        of_the_issuer = {"JwksUrl": jwks_url, "JwtIssuer": issuer.issuer, "JwtAudience": issuer.audience}
        self._cloud = cloud
        self._stage = Stage(STAGE.name, STAGE.choices | of_the_issuer)
        self._deployment = cloud.deployment(self._stage)
        self.issuer = issuer
        self.template: Json = json.loads((cloud.package / "sam.json").read_text())

    def deploy(self) -> None:
        self._deployment.build_foundation(self._cloud.foundation)
        self._deployment.build_shop(self._cloud.package)
        self._deployment.migrate()
        self._cloud.put_gateway_responses(self._deployment)
        self.run_schedules(False)

    @property
    def base_url(self) -> str:
        return self._cloud.base_url(self._deployment)

    def client(self, service: str, **credentials: str) -> Any:
        """As the account's root, unless `credentials` say otherwise."""
        keys: Json = credentials
        return boto3.client(service, region_name=REGION, **keys) if keys else self._cloud.client(service)

    def name_of(self, logical_id: str) -> str:
        """The physical name of a resource of the stack."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=self._stage.shop, LogicalResourceId=logical_id
        )
        name: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def credentials_of(self, function: str) -> Json:
        """Credentials for `client`: what the function with this logical id may do."""
        role = self.client("lambda").get_function_configuration(FunctionName=self.name_of(function))["Role"]
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }

    def logged_by(self, function: str) -> list[str]:
        """Every line in the function's log group."""
        group = self.name_of(f"{function}Logs")
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]

    def run_schedules(self, run: bool) -> None:
        """They do not run until they are wanted: the reconciler would mend what an event source fails to deliver."""
        events = self.client("events")
        for rule in self._of_type("AWS::Events::Rule"):
            (events.enable_rule if run else events.disable_rule)(Name=rule)

    def _of_type(self, kind: str) -> list[str]:
        found = self.client("cloudformation").describe_stack_resources(StackName=self._stage.shop)["StackResources"]
        return [resource["PhysicalResourceId"] for resource in found if resource["ResourceType"] == kind]


@contextmanager
def deployed_shop(directory: Path) -> Iterator[DeployedShop]:
    """Enter it in the main thread: then the servers live exactly as long as the process."""
    with ExitStack() as exits:
        cloud = exits.enter_context(running_cloud())
        issuer = Issuer.in_directory(directory)
        shop = DeployedShop(cloud, issuer, exits.enter_context(_served(issuer.jwks_file)))
        shop.deploy()
        yield shop


class _OneFile(BaseHTTPRequestHandler):
    """Whatever is asked for; the private key lies beside it."""

    def __init__(self, *arguments: Any, file: Path) -> None:
        self._file = file
        super().__init__(*arguments)

    def do_GET(self) -> None:
        content = self._file.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Who fetched the keys is nobody's news."""


@contextmanager
def _served(file: Path) -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer((ports.HOST, 0), partial(_OneFile, file=file))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{ports.HOST}:{server.server_port}/{file.name}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
