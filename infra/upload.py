"""Uploads the package to S3, each zip under a name that follows from its content.

Names of resources that an account retains are written out in the template: only then does CloudFormation take back what
it finds under them into a new stack.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from botocore.exceptions import ClientError

from local.template import substitute

Json = dict[str, Any]


NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}


def upload(s3: Any, bucket: str, package: Path, known: Mapping[str, str]) -> tuple[str, list[str]]:
    """Upload the package; return the key of the template, and the zips that had to be sent.

    A zip that is there already is not sent again. `known` are the parameters that names are made of.
    """
    template: Json = json.loads((package / "sam.json").read_text())
    write_names_out(template, known)
    sent: list[str] = []
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for location in {"CodeUri", "ContentUri"} & properties.keys():
            zipped = package / properties[location]
            key = f"code/{digest(zipped)}.zip"
            if not _is_there(s3, bucket, key):
                s3.upload_file(str(zipped), bucket, key)
                sent.append(zipped.name)
            properties[location] = {"Bucket": bucket, "Key": key}
    body = json.dumps(template, separators=(",", ":")).encode()
    key = f"templates/{hashlib.sha256(body).hexdigest()}.json"
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    return key, sent


def write_names_out(template: Json, known: Mapping[str, str]) -> None:
    for resource in template["Resources"].values():
        if resource.get("DeletionPolicy") == "Retain" and (name := NAMES.get(resource["Type"])):
            resource["Properties"][name] = substitute(resource["Properties"][name]["Fn::Sub"], known)


def digest(zipped: Path) -> str:
    """Return a digest of the files in the zip, whenever they were packed."""
    digest = hashlib.sha256()
    with ZipFile(zipped) as archive:
        for name in sorted(archive.namelist()):
            digest.update(f"{name}\0{hashlib.sha256(archive.read(name)).hexdigest()}\n".encode())
    return digest.hexdigest()


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 - not found
            raise
        return False
    return True
