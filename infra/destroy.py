"""Destroys both stacks of a stage and lists what the account keeps: `python -m infra.destroy --stage test`."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.account import Account, sign_in
from infra.failures import DeploymentFailed
from infra.progress import Progress
from infra.stacks import POLL, Stack
from infra.stage import Stage, stage_named

Json = dict[str, Any]


class Destruction:
    """Destroys one stage in one account."""

    def __init__(self, account: Account, stage: Stage, progress: Progress, poll: float = POLL) -> None:
        self._progress = progress
        self._s3 = account.session.client("s3")
        cloudformation = account.session.client("cloudformation")
        self.foundation = Stack(cloudformation, stage.foundation, progress.tell, poll)
        self.shop = Stack(cloudformation, stage.shop, progress.tell, poll)

    def retained(self) -> list[str]:
        """List what stays in the account, by kind and physical name."""
        return [line for stack in (self.shop, self.foundation) if stack.exists for line in _retained(stack)]

    def destroy(self) -> None:
        """Delete both stacks; may be repeated.

        Raises:
            DeploymentFailed: a stack cannot be deleted.
        """
        with self._progress.step("Shop"):
            self.shop.delete()
        bucket = self.foundation.outputs().get("PackageBucket")
        if bucket:
            with self._progress.step("Packages"):
                self._empty(bucket)
        with self._progress.step("Foundation"):
            self.foundation.delete()

    def _empty(self, bucket: str) -> None:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                self._s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def _retained(stack: Stack) -> list[str]:
    from infra.retention import kept_by  # noqa: PLC0415 - reading templates takes a second

    kept = kept_by(stack.template())
    return [
        f"{resource['ResourceType'].removeprefix('AWS::')} {resource['PhysicalResourceId']}"
        for resource in stack.resources()
        if resource["LogicalResourceId"] in kept and "PhysicalResourceId" in resource
    ]


def destroy(stage: Stage, region: str | None, *, sure: bool) -> None:
    """Destroy the stage.

    Raises:
        DeploymentFailed: a stack cannot be deleted.
        botocore's errors: as boto3 raises them.
    """
    account, progress = sign_in(region), Progress()
    destruction = Destruction(account, stage, progress)
    progress.say(f"Stage {stage.name} in account {account.id}, {account.region}, as {account.caller}")
    if not (destruction.shop.exists or destruction.foundation.exists):
        progress.say("There is nothing to destroy.")
        return
    retained = destruction.retained()
    progress.say("Its API, functions, databases and read models will be gone. The account keeps:")
    for line in retained:
        progress.say(f"  {line}")
    if not sure and input("Type the stage's name to go on: ") != stage.name:
        raise DeploymentFailed("Nothing was destroyed. The stage's name was not typed.")
    destruction.destroy()
    progress.say("Gone, except for what the account keeps (above). `make deploy` reuses tables, queues, logs, bucket;")
    progress.say("it cannot find keys and users by name: docs/operations.md says how they come back.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.destroy", description="Remove a stage from AWS.")
    parser.add_argument("--stage", required=True, help="name the stage, as in infra/stages.json")
    parser.add_argument("--region", help="use this region instead of the profile's or eu-west-1")
    parser.add_argument("--yes", action="store_true", help="destroy without asking")
    options = parser.parse_args(arguments)
    try:
        destroy(stage_named(options.stage), options.region, sure=options.yes)
    except (DeploymentFailed, ClientError, BotoCoreError, EOFError) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
