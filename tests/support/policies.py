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
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    "AWS::S3::Bucket": "arn:aws:s3:::",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:",
}
"""What stands before a resource's name; each is called here by its id in the template."""


@dataclass(frozen=True)
class Statement:
    """`resource` is as the policy has it, `arn` what becomes of it."""

    actions: tuple[str, ...]
    resource: Json
    arn: str

    @property
    def logical_id(self) -> str:
        found = re.search(
            r"\w+", next(iter(self.resource.values()))[0] if "Fn::GetAtt" in self.resource else self.resource["Fn::Sub"]
        )
        assert found
        return found[0]


def policy_files() -> dict[str, Path]:
    """The file of each function, by the name of its handler."""
    functions = json.loads(CONFIG.read_text())["lambda_functions"]
    return {name: CONFIG.parent / function["iam_policy_file"] for name, function in functions.items()}


def arn_of(logical_id: str) -> str:
    declared = json.loads((PROJECT / "infra" / "resources.json").read_text())["Resources"]
    kind = declared[logical_id]["Type"] if logical_id in declared else "AWS::Logs::LogGroup"
    return f"{ARNS[kind]}{logical_id}"


def statements_of(function: str) -> list[Statement]:
    written = json.loads(policy_files()[function].read_text())["Statement"]
    return [Statement(tuple(one["Action"]), one["Resource"], _resolved(one["Resource"])) for one in written]


def resolved_policy(function: str) -> str:
    """The document that IAM gets."""
    statements = [
        {"Effect": "Allow", "Action": list(statement.actions), "Resource": statement.arn}
        for statement in statements_of(function)
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _resolved(resource: Json) -> str:
    if "Fn::GetAtt" in resource:
        logical_id, attribute = resource["Fn::GetAtt"]
        return arn_of(logical_id) + {"Arn": "", "StreamArn": "/stream/label"}[attribute]
    return re.sub(r"\$\{(\w+)\.Arn\}", lambda found: arn_of(found[1]), resource["Fn::Sub"])
