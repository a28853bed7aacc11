"""Deploys a stage as this checkout has it: `python -m infra.deploy --stage prod`.

The steps are foundation, package, shop, migrations, and a free ticket that is bought through the deployed address. Each
step may be repeated and leaves alone what is right already. After a failure, repair what it names and run the command
again.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.account import Account, sign_in
from infra.failures import DeploymentFailed
from infra.package import Packaging
from infra.people import somebody
from infra.progress import Progress
from infra.smoke import buy_a_free_ticket
from infra.stacks import POLL, Stack
from infra.stage import Stage, stage_named
from infra.template import merge_template
from infra.upload import upload
from infra.wheels import PackagingFailed

FOUNDATION = Path(__file__).with_name("foundation.yaml")
OF_THE_SHOP: Mapping[str, Any] = merge_template()["Parameters"]
_PATIENT = Config(read_timeout=920, retries={"total_max_attempts": 1})
"""The SDK waits longer than a function may run, and never calls it twice."""


class Deployment:
    """Deploys one stage in one account."""

    def __init__(self, account: Account, stage: Stage, progress: Progress, poll: float = POLL) -> None:
        self._progress = progress
        self._account = account
        self._stage = stage
        cloudformation = account.session.client("cloudformation")
        self.foundation = Stack(cloudformation, stage.foundation, progress.tell, poll)
        self.shop = Stack(cloudformation, stage.shop, progress.tell, poll)

    def build_foundation(self, template: str) -> None:
        with self._progress.step("Foundation") as outcome:
            wanted = self._chosen(parameters_of_the_foundation(template))
            changed = self.foundation.bring_to({"TemplateBody": template}, wanted)
            outcome.append("changed" if changed else "unchanged")

    def build_shop(self, package: Path) -> None:
        bucket = self.foundation.outputs()["PackageBucket"]
        with self._progress.step("Upload") as outcome:
            region = self._account.region
            known = {"Stage": self._stage.name, "AWS::AccountId": self._account.id, "AWS::Region": region}
            template, sent = upload(self._account.session.client("s3"), bucket, package, known)
            outcome.append(", ".join(sent) or "everything is there already")
        with self._progress.step("Shop") as outcome:
            url = f"https://s3.{region}.amazonaws.com/{bucket}/{template}"
            given = {name: value for name, value in self.foundation.outputs().items() if name in OF_THE_SHOP}
            changed = self.shop.bring_to({"TemplateURL": url}, given | self._chosen(OF_THE_SHOP))
            outcome.append("changed" if changed else "unchanged")

    def migrate(self) -> None:
        """Run the migrations in a function inside the VPC, because Postgres cannot be reached from here."""
        with self._progress.step("Migrations") as outcome:
            client = self._account.session.client("lambda", config=_PATIENT)
            answer = client.invoke(FunctionName=f"{self._stage.shop}-migrate")
            said = json.loads(answer["Payload"].read())
            if "FunctionError" in answer:
                raise DeploymentFailed(f"The function {self._stage.shop}-migrate failed: {said.get('errorMessage')}")
            outcome.append(", ".join(said["applied"]) or "none were missing")

    def buy_a_free_ticket(self, base_url: str) -> None:
        foundation = self.foundation.outputs()
        with self._progress.step("A free ticket") as outcome:
            cognito = self._account.session.client("cognito-idp")
            pool, client = foundation["UserPoolId"], foundation["JwtAudience"]
            needs_mfa = self._stage.choices.get("StaffMfa", "required") == "required"
            with somebody(cognito, pool, client, ["organisers"], second_factor=needs_mfa) as token:
                buy_a_free_ticket(base_url, token)
            outcome.append("bought, and seen in Postgres, DynamoDB and Redis")

    def _chosen(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        chosen = {"Stage": self._stage.name} | self._stage.choices
        return {name: value for name, value in chosen.items() if name in parameters}


def parameters_of_the_foundation(template: str) -> Mapping[str, Any]:
    from cfnlint.decode import decode_str  # type: ignore[import-untyped]  # noqa: PLC0415 - takes a second

    decoded, _ = decode_str(template)
    found: Mapping[str, Any] = decoded["Parameters"]
    return found


def ensure_every_choice_is_known(stage: Stage, foundation: Mapping[str, Any]) -> None:
    """Refuse choices that are no parameter of either stack.

    Raises:
        DeploymentFailed: a choice is unknown; a misspelt one would have no effect.
    """
    if unknown := stage.choices.keys() - foundation.keys() - OF_THE_SHOP.keys():
        raise DeploymentFailed(
            f"stages.json: the stage {stage.name} chooses unknown parameters: {', '.join(sorted(unknown))}."
        )


def deploy(stage: Stage, region: str | None) -> None:
    """Deploy the stage.

    Raises:
        DeploymentFailed: a step has failed.
        PackagingFailed: the package cannot be built.
        botocore's errors: as boto3 raises them.
    """
    template = FOUNDATION.read_text()
    ensure_every_choice_is_known(stage, parameters_of_the_foundation(template))
    account, progress = sign_in(region), Progress()
    progress.say(f"Stage {stage.name} in account {account.id}, {account.region}, as {account.caller}")
    deployment = Deployment(account, stage, progress)
    packaging = Packaging()
    with progress.step("Package") as outcome:
        outcome.append(packaging.build())
    deployment.build_foundation(template)
    deployment.build_shop(packaging.package)
    deployment.migrate()
    base_url = deployment.shop.outputs()["EndpointURL"]
    deployment.buy_a_free_ticket(base_url)
    progress.say(f"The shop is open: {base_url}")
    if stage.choices.get("PaymentProviders", "none") == "none":
        progress.say("It sells free tickets only: no payment provider is chosen in infra/stages.json.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description="Deploy a stage to AWS.")
    parser.add_argument("--stage", required=True, help="name the stage, as in infra/stages.json")
    parser.add_argument("--region", help="use this region instead of the profile's or eu-west-1")
    options = parser.parse_args(arguments)
    try:
        deploy(stage_named(options.stage), options.region)
    except (DeploymentFailed, PackagingFailed, ClientError, BotoCoreError) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
