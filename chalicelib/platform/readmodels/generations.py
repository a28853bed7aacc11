"""A new generation of a read model: built beside the live one, fed by the consumers, and made live in one step."""

from dataclasses import replace

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.readmodels.port import Generations, ReadModel


class NothingToSwitchTo(CloudbashError):
    """No complete generation is there beside the live one."""

    code = "nothing_to_switch_to"


def begin(model: ReadModel) -> ReadModel:
    """Return the generation that is being built, or a new one; consumers feed it from now on.

    A complete one beside the live one is fed no longer. Raises GenerationsMoved or Unavailable.
    """
    before = model.generations()
    if before.candidate is not None and not before.is_complete:
        return model.at(before.candidate)
    new = before.newest + 1
    building = model.at(new)
    building.prepare()
    model.change(before, Generations(before.live, new, is_complete=False, newest=new))
    return building


def complete(model: ReadModel) -> None:
    """Record that the generation that was being built is complete. Raises GenerationsMoved or Unavailable."""
    before = model.generations()
    model.change(before, replace(before, is_complete=before.candidate is not None))


def switch(model: ReadModel) -> Generations:
    """Make the complete candidate the live generation, and the live one the candidate.

    Raises NothingToSwitchTo, GenerationsMoved or Unavailable.
    """
    before = model.generations()
    if before.candidate is None or not before.is_complete:
        raise NothingToSwitchTo(f"{model.name} has no complete generation beside the live one.")
    after = replace(before, live=before.candidate, candidate=before.live)
    model.change(before, after)
    return after
