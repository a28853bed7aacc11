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
        raise DeploymentFailed("The stage dev is the one on your own machine: make run.")
    if not re.fullmatch("[a-z][a-z0-9-]{0,15}", name) or name.endswith("-foundation"):
        raise DeploymentFailed("A stage is named with small letters, digits and hyphens, 16 at most.")
    stages = json.loads(file.read_text())
    if name not in stages:
        raise DeploymentFailed(f"{file.name} has no stage {name}; it has {', '.join(stages)}. Add yours there.")
    return Stage(name, stages[name])
