"""Defines a stage: its two stacks, and what is chosen for it in stages.json."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from infra.failures import DeploymentFailed

CHOICES = Path(__file__).with_name("stages.json")
LOCAL = "dev"


@dataclass(frozen=True)
class Stage:
    """Names a stage; `choices` are parameters of either stack that do not have the default of its template."""

    name: str
    choices: dict[str, str]

    @property
    def foundation(self) -> str:
        return f"cloudbash-{self.name}-foundation"

    @property
    def shop(self) -> str:
        return f"cloudbash-{self.name}"


def stage_named(name: str, file: Path = CHOICES) -> Stage:
    """Return the stage of this name.

    Raises:
        DeploymentFailed: the name is malformed, or stages.json has no such stage.
    """
    if name == LOCAL:
        raise DeploymentFailed("The stage dev runs on your own machine: start it with `make run`.")
    if not re.fullmatch("[a-z][a-z0-9-]{0,15}", name) or name.endswith("-foundation"):
        raise DeploymentFailed(
            f"{name!r} is no name of a stage: use at most 16 lowercase letters, digits and hyphens, and a letter first."
        )
    stages = json.loads(file.read_text())
    if name not in stages:
        raise DeploymentFailed(f"{file.name} has no stage {name}, only {', '.join(stages)}. Add yours to the file.")
    return Stage(name, stages[name])
