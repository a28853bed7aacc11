"""An account for deployments: the AWS emulator, with a real Postgres and Redis where a stage's own would be.

It asks IAM about every call, so each function does what its own policies allow and nothing else. What the emulator or
this machine lacks is worked around in the copies that are deployed, and never in the product:

- there are no NAT gateways, addresses and routes to them, no secret of RDS's master password, and no registered readers
  of a stream: the archive reads it as the others do;
- issuers have no https address of their own;
- alarms that calculate are left out: it refuses them;
- events are put and not inserted, and who may insert may put: it streams only what was put;
- who may sqs:SendMessage may sqs:SendMessageBatch: it asks for an action of that name, which IAM has not;
- a policy names a stack's secret by its ARN's pattern: a reference to a secret is not its ARN there;
- its user pools call no function, so no token tells of a second factor;
- gateway responses are put after the stack was made: it passes over those in an API's definition.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import decode_str  # type: ignore[import-untyped]

from infra.account import Account, sign_in
from infra.deploy import FOUNDATION, Deployment
from infra.package import Packaging
from infra.progress import Progress
from infra.stage import Stage
from local.emulator import Emulator
from local.postgres import Postgres, unprivileged_user
from local.resources import CREDENTIALS
from local.throwaway import ThrowawayDirectory
from local.valkey import Valkey

Json = dict[str, Any]

POLL = 0.2
STAGE = Stage(
    "test", {"PaymentProviders": "sandbox", "AppendWith": "put", "StaffMfa": "optional", "QueryPatience": "10"}
)
SECRETS = ("SandboxSecret", "GuestKey", "IdKeySecretId", "TicketKeySecretId")
IAM_IS_ASKED = {"AUTH": "true", **CREDENTIALS}
"""Who calls with these credentials is the account's root; the functions get those of their roles."""

ALSO = {"sqs:SendMessage": "sqs:SendMessageBatch", "dynamodb:PartiQLInsert": "dynamodb:PutItem"}
_UNKNOWN = {"AWS::EC2::NatGateway", "AWS::EC2::EIP"}


@dataclass(frozen=True)
class Cloud:
    account: Account
    url: str
    foundation: str
    package: Path

    def client(self, service: str) -> Any:
        return self.account.session.client(service)

    def deployment(self, stage: Stage = STAGE) -> Deployment:
        return Deployment(self.account, stage, Progress(), POLL)

    def put_gateway_responses(self, deployment: Deployment) -> None:
        gateway, api = self.client("apigateway"), deployment.shop.outputs()["RestAPIId"]
        definition = json.loads((self.package / "sam.json").read_text())["Resources"]["RestAPI"]["Properties"]
        responses = definition["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
        for response_type, response in responses.items():
            gateway.put_gateway_response(restApiId=api, responseType=response_type, **response)
        gateway.create_deployment(restApiId=api, stageName=definition["StageName"])

    def package_with_other_heads(self) -> Path:
        """The emulator does not take a bucket back into a stack, and this one cannot be deleted."""
        file = self.package / "sam.json"
        file.write_text(file.read_text().replace("cloudbash-${Stage}-heads-", "cloudbash-${Stage}-other-heads-"))
        return self.package

    def base_url(self, deployment: Deployment) -> str:
        """The address that EndpointURL has on this machine."""
        return f"{self.url}/_aws/execute-api/{deployment.shop.outputs()['RestAPIId']}/api"


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    user = unprivileged_user()
    with ThrowawayDirectory(user) as directory:
        postgres, valkey, emulator = Postgres(directory, user), Valkey(directory), Emulator(directory, IAM_IS_ASKED)
        servers = (postgres, valkey, emulator)
        try:
            for server in servers:
                server.begin()
            for server in servers:
                server.wait_ready()
            with _environment(emulator.url):
                yield _cloud(emulator.url, postgres.url, valkey.url, directory)
        finally:
            emulator.process.stop()
            valkey.ask_to_end()
            postgres.ask_to_end()
            valkey.process.stop()
            postgres.wait_ended()


def _cloud(url: str, postgres_url: str, redis_url: str, directory: Path) -> Cloud:
    account = sign_in("eu-west-1")
    login = json.dumps({"username": "postgres", "password": "any, on this machine"})
    secret = account.session.client("secretsmanager").create_secret(Name="database", SecretString=login)["ARN"]
    template, _ = decode_str(FOUNDATION.read_text())
    resources, outputs = template["Resources"], template["Outputs"]
    for name, resource in list(resources.items()):
        if resource["Type"] in _UNKNOWN or "NatGatewayId" in resource.get("Properties", {}):
            del resources[name]
    del template["Conditions"]["HasNatPerZone"]
    outputs["DatabaseSecretId"]["Value"] = secret
    outputs["DatabaseUrl"]["Value"] = postgres_url.replace("postgres@", "", 1)
    outputs["RedisUrl"]["Value"] = redis_url
    outputs["JwksUrl"]["Value"] = {"Fn::Sub": f"{url}/${{Users}}/.well-known/jwks.json"}
    return Cloud(account, url, json.dumps(template), _package(directory))


def _package(directory: Path) -> Path:
    copy = directory / "package"
    Packaging().build(copy)
    template = json.loads((copy / "sam.json").read_text())
    _leave_out_what_it_lacks(template)
    for statement in _statements(template):
        statement["Action"] += [also for action, also in ALSO.items() if action in statement["Action"]]
        if statement["Resource"] in [{"Ref": name} for name in SECRETS]:
            secret = f"${{{statement['Resource']['Ref']}}}"
            statement["Resource"] = {"Fn::Sub": f"arn:aws:secretsmanager:*:${{AWS::AccountId}}:secret:{secret}-*"}
    (copy / "sam.json").write_text(json.dumps(template))
    return copy


def _leave_out_what_it_lacks(template: Json) -> None:
    resources = template["Resources"]
    template["Parameters"]["JwksUrl"]["AllowedPattern"] = "http://.+"
    for name, resource in list(resources.items()):
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del resources[name]
    del resources["ArchiveReader"]
    [source] = resources["ArchiveEvents"]["Properties"]["Events"].values()
    source["Properties"]["Stream"] = {"Fn::GetAtt": ["EventBus", "Arn"]}


def _statements(template: Json) -> Iterator[Json]:
    for resource in template["Resources"].values():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield statement["Fn::If"][1] if "Fn::If" in statement else statement


@contextmanager
def _environment(url: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({"AWS_ENDPOINT_URL": url, **CREDENTIALS})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
