"""The policies of the functions, as IAM would see them in some account."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.checkout import PROJECT
from local.resources import ACCOUNT, REGION

Json = dict[str, Any]

CONFIG = PROJECT / ".chalice" / "config.json"
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::Kinesis::Stream": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/",
    "AWS::Kinesis::StreamConsumer": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/EventBus/consumer/",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    "AWS::S3::Bucket": "arn:aws:s3:::",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:",
}
A_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
SECRETS = {"DatabaseSecretId", "GuestKey", "IdKeySecretId", "SandboxSecret", "StripeSecretId", "TicketKeySecretId"}
SECRETS |= {"WalletsSecretId"}
"""What stands before a resource's name; each is called here by its id in the template."""

ON_EVERY_RESOURCE: dict[frozenset[str], str] = {
    frozenset({"xray:PutTelemetryRecords", "xray:PutTraceSegments"}): "X-Ray has no resources that could be named",
    frozenset(
        {
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        }
    ): "Lambda checks for exactly this before it connects a function to a VPC, and names the interfaces itself",
}
"""Actions that are granted on `*`, and why."""


@dataclass(frozen=True)
class Statement:
    """What is allowed in some stage. `resource` is as the policy has it, `arn` what becomes of it."""

    actions: tuple[str, ...]
    resource: Json | str
    arn: str

    @property
    def logical_id(self) -> str:
        """`*` for what is allowed on every resource."""
        if isinstance(self.resource, str):
            return self.resource
        [named] = self.resource.values()
        found = re.search(r"\w+", named[0] if isinstance(named, list) else named)
        assert found
        return found[0]


def policy_files() -> dict[str, Path]:
    """The file of each function, by the name of its handler."""
    functions = json.loads(CONFIG.read_text())["lambda_functions"]
    return {name: CONFIG.parent / function["iam_policy_file"] for name, function in functions.items()}


def arn_of(logical_id: str) -> str:
    if logical_id == "UserPoolArn":
        return f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{logical_id}"
    if logical_id in {"MailIdentityArn", "MailEvents"}:
        return f"arn:aws:ses:{REGION}:{ACCOUNT}:{logical_id}"
    if logical_id in SECRETS:
        return f"{A_SECRET}{logical_id}"
    declared = json.loads((PROJECT / "infra" / "resources.json").read_text())["Resources"]
    kind = declared[logical_id]["Type"] if logical_id in declared else "AWS::Logs::LogGroup"
    return f"{ARNS[kind]}{logical_id}"


def written_statements(function: str) -> list[Json]:
    """As the file has them, also those that only some stages have."""
    written = json.loads(policy_files()[function].read_text())["Statement"]
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in written]


def statements_of(function: str) -> list[Statement]:
    return [
        Statement(tuple(one["Action"]), one["Resource"], _resolved(one["Resource"]))
        for one in written_statements(function)
        if one["Effect"] == "Allow"
    ]


def resolved_policy(function: str) -> str:
    """The document that IAM gets."""
    statements = [
        {"Effect": "Allow", "Action": list(statement.actions), "Resource": statement.arn}
        for statement in statements_of(function)
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _resolved(resource: Json | str) -> str:
    if isinstance(resource, str):
        return resource
    if "Ref" in resource:
        return arn_of(resource["Ref"])
    if "Fn::GetAtt" in resource:
        logical_id, attribute = resource["Fn::GetAtt"]
        return arn_of(logical_id) + {"Arn": "", "ConsumerARN": ":1", "StreamArn": "/stream/label"}[attribute]
    if "configuration-set" in resource["Fn::Sub"]:
        return arn_of("MailEvents")
    return re.sub(r"\$\{(\w+)\.Arn\}", lambda found: arn_of(found[1]), resource["Fn::Sub"])
