"""The package of `infra.package`, deployed to the AWS emulator through CloudFormation.

The emulator asks IAM about every call, so each function does what its own policies allow and nothing else. What the
emulator or this machine lacks is worked around here, in the copy that is deployed, and never in the product:

- the code is uploaded and CodeUri rewritten, which `aws cloudformation package` does for a real stage;
- JwksUrl may be http, because the issuer's keys are served on this machine;
- gateway responses are put after the stack was made: the emulator passes over those in an API's definition;
- who may sqs:SendMessage may sqs:SendMessageBatch: the emulator asks for an action of that name, which IAM has not.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, TypeVar

import boto3

from infra.package import BUILD, Packaging
from local import ports
from local.emulator import Emulator
from local.issuer import Issuer
from local.migrate import migrate
from local.postgres import Postgres, unprivileged_user
from local.resources import CREDENTIALS, REGION
from local.throwaway import ThrowawayDirectory
from local.valkey import Valkey

Json = dict[str, Any]
T = TypeVar("T")

STACK, STAGE = "cloudbash", "test"
CODE_BUCKET = "code"
WITHIN = 180.0
POLL = 0.2
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - a directory of our own is made there
IAM_IS_ASKED = {"AUTH": "true", **CREDENTIALS}
"""Who calls with these credentials is the account's root; the functions get those of their roles."""


class DeploymentFailed(RuntimeError):
    pass


def eventually(ask: Callable[[], T], wanted: Callable[[T], object], within: float = WITHIN) -> T:
    """The first answer that is wanted; the last one when time is up, for the caller to assert on."""
    deadline = time.monotonic() + within
    while not wanted(answer := ask()) and time.monotonic() < deadline:
        time.sleep(POLL)
    return answer


class Deployment:
    """Enter it in the main thread: then the servers live exactly as long as the process."""

    def __init__(self, build: Path = BUILD) -> None:
        self._packaging = Packaging(build)
        self._exit = ExitStack()
        self.template: Json
        self.issuer: Issuer
        self.base_url: str
        self._emulator: Emulator

    def __enter__(self) -> "Deployment":
        self._packaging.build()
        with ExitStack() as undo:
            self._start(undo)
            self._exit = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def client(self, service: str, **credentials: str) -> Any:
        """As the account's root, unless `credentials` say otherwise."""
        keys: Json = credentials or {name.lower(): value for name, value in CREDENTIALS.items()}
        return boto3.client(service, endpoint_url=self._emulator.url, region_name=REGION, **keys)

    def name_of(self, logical_id: str) -> str:
        """The physical name of a resource of the stack."""
        found = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
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
        """They do not run until they are wanted: the caretaker would mend what an event source fails to deliver."""
        events = self.client("events")
        for rule in self._of_type("AWS::Events::Rule"):
            (events.enable_rule if run else events.disable_rule)(Name=rule)

    def _of_type(self, kind: str) -> list[str]:
        found = self.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
        return [resource["PhysicalResourceId"] for resource in found if resource["ResourceType"] == kind]

    def _start(self, undo: ExitStack) -> None:
        user = unprivileged_user()
        directory = undo.enter_context(ThrowawayDirectory(user))
        postgres = Postgres(directory, user)
        valkey = Valkey(directory)
        unpacked = undo.enter_context(ThrowawayDirectory(None, _roomy_memory()))
        self._emulator = Emulator(unpacked, IAM_IS_ASKED)
        undo.callback(_end, postgres, valkey, self._emulator)
        for server in (postgres, valkey, self._emulator):
            server.begin()
        self.issuer = Issuer.in_directory(directory / "keys")
        jwks_url = undo.enter_context(_served(self.issuer.jwks_file))
        for ready in (postgres, valkey, self._emulator):
            ready.wait_ready()
        migrate(postgres.url)
        self.template = self._uploaded()
        self._create(self._parameters(postgres.url, valkey.url, jwks_url))
        self.run_schedules(False)
        api = self.name_of("RestAPI")
        stage = self.template["Resources"]["RestAPI"]["Properties"]["StageName"]
        self._put_gateway_responses(api, stage)
        self.base_url = f"{self._emulator.url}/_aws/execute-api/{api}/{stage}"

    def _parameters(self, database_url: str, redis_url: str, jwks_url: str) -> dict[str, str]:
        return {
            "Stage": STAGE,
            "DatabaseUrl": database_url,
            "RedisUrl": redis_url,
            "JwksUrl": jwks_url,
            "JwtIssuer": self.issuer.issuer,
            "JwtAudience": self.issuer.audience,
            "SandboxSecret": "known to this test alone",
            "PaymentProviders": "sandbox",
        }

    def _uploaded(self) -> Json:
        """The template, which names the code where it was uploaded to."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        template: Json = json.loads((self._packaging.package / "sam.json").read_text())
        for resource in template["Resources"].values():
            properties = resource.get("Properties", {})
            for location in {"CodeUri", "ContentUri"} & properties.keys():
                zipped = self._packaging.package / properties[location]
                s3.upload_file(str(zipped), CODE_BUCKET, zipped.name)
                properties[location] = f"s3://{CODE_BUCKET}/{zipped.name}"
        template["Parameters"]["JwksUrl"]["AllowedPattern"] = "http://.+"
        for statement in _statements(template):
            if "sqs:SendMessage" in statement["Action"]:
                statement["Action"].append("sqs:SendMessageBatch")
        return template

    def _create(self, parameters: dict[str, str]) -> None:
        """Raises DeploymentFailed."""
        cloudformation = self.client("cloudformation")
        self.client("s3").put_object(Bucket=CODE_BUCKET, Key="sam.json", Body=json.dumps(self.template).encode())
        cloudformation.create_stack(
            StackName=STACK,
            # Larger than what a request may carry.
            TemplateURL=f"{self._emulator.url}/{CODE_BUCKET}/sam.json",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        stack = eventually(
            lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0],
            lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
        )
        if stack["StackStatus"] != "CREATE_COMPLETE":
            events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
            reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in events]
            raise DeploymentFailed("\n".join([stack["StackStatus"], *reasons]))

    def _put_gateway_responses(self, api: str, stage: str) -> None:
        gateway = self.client("apigateway")
        body = self.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
        for response_type, response in body["x-amazon-apigateway-gateway-responses"].items():
            gateway.put_gateway_response(restApiId=api, responseType=response_type, **response)
        gateway.create_deployment(restApiId=api, stageName=stage)


def _roomy_memory() -> Path | None:
    """Every function unpacks the layer for itself: files by the ten thousand, which disks are slow to remove again."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if is_roomy and os.access(MEMORY, os.W_OK) else None


def _statements(template: Json) -> Iterator[Json]:
    for resource in template["Resources"].values():
        for policy in resource["Properties"].get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def _end(postgres: Postgres, valkey: Valkey, emulator: Emulator) -> None:
    emulator.process.ask_to_stop(signal.SIGKILL)
    valkey.ask_to_end()
    postgres.ask_to_end()
    emulator.process.stop()
    valkey.process.stop()
    postgres.wait_ended()


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
