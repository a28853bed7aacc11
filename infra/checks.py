"""Finds what CloudFormation and SAM would refuse in a packaged template, before it is deployed."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cfnlint import api as cfnlint  # type: ignore[import-untyped]
from samtranslator.model.exceptions import InvalidDocumentException  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
"""Otherwise it warns at the end that nobody has collected its metrics."""


class _NoManagedPolicies:
    """Loads no managed policies: every role is written out in the template."""

    def load(self) -> dict[str, str]:
        return {}


_SAM = "AWS::Serverless-2016-10-31"


def findings(template: str, region: str) -> list[str]:
    """Return one line for each finding; warnings and hints count."""
    try:
        if _SAM in template:
            translate(json.loads(template), region)
    except InvalidDocumentException as error:
        return [f"sam: {cause.message}" for cause in error.causes]
    config = cfnlint.ManualArgs(include_checks=["I"], regions=[region])
    return [f"{match.rule.id}: {match.message} ({_where(match)})" for match in cfnlint.lint(template, config=config)]


def translate(template: dict[str, Any], region: str) -> dict[str, Any]:
    """Return the template as CloudFormation gets it, without SAM's resources.

    Raises:
        InvalidDocumentException: SAM refuses the template.
    """
    for resource in template["Resources"].values():
        for location in ("CodeUri", "ContentUri"):
            if location in resource.get("Properties", {}):
                resource["Properties"][location] = "s3://bucket/uploaded-at-deployment"
    with _in(region):
        translated: dict[str, Any] = transform(template, {}, _NoManagedPolicies())
    return translated


@contextmanager
def _in(region: str) -> Iterator[None]:
    """Set the region in the environment, because the translator takes it from nowhere else."""
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        yield
    finally:
        del os.environ["AWS_DEFAULT_REGION"]
        if before is not None:
            os.environ["AWS_DEFAULT_REGION"] = before


def _where(match: Any) -> str:
    return "/".join(map(str, match.path or [])) or f"line {match.linenumber}"
