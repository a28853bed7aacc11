"""Begins, completes and switches to a new generation of a read model (ADR 13).

A candidate is built next to the live generation, fed by the consumers, and made live in one step. After the switch the
old generation is the candidate: it is fed on, so that a second switch goes back without a rebuild.
"""

from dataclasses import replace

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.readmodels.port import Generations, ReadModel


class NothingToSwitchTo(CloudbashError):
    """There is no complete candidate."""

    code = "nothing_to_switch_to"


def begin(model: ReadModel) -> ReadModel:
    """Return the generation that is being built, or a new one; consumers feed it from now on.

    A complete candidate is given up, and fed no longer.
    Raises GenerationsMoved or Unavailable.
    """
    before = model.generations()
    if before.candidate is not None and not before.is_complete:
        return model.at(before.candidate)
    new = before.newest + 1
    building = model.at(new)
    # Prepared before it is announced: consumers write to a candidate as soon as they know of it. And announced before
    # the log is read: an event that the scan no longer sees is then fed by a consumer.
    building.prepare()
    model.change(before, Generations(before.live, new, is_complete=False, newest=new))
    return building


def complete(model: ReadModel) -> None:
    """Record that the generation that was being built is complete.

    Raises GenerationsMoved or Unavailable.
    """
    before = model.generations()
    model.change(before, replace(before, is_complete=before.candidate is not None))


def switch(model: ReadModel) -> Generations:
    """Make the complete candidate the live generation, and the live one the candidate.

    Raises NothingToSwitchTo, GenerationsMoved or Unavailable.
    """
    before = model.generations()
    if before.candidate is None or not before.is_complete:
        raise NothingToSwitchTo(f"{model.name} has no complete generation besides the live one.")
    after = replace(before, live=before.candidate, candidate=before.live)
    model.change(before, after)
    return after
