"""Lets customers wait who found too few tickets, and all that they do later happen as much later."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from ops.what_if.agenda import Agenda, Entry
from ops.what_if.demand import ChangeStock, CheckOut, Extend, Remove, Step, Take

EVERY = timedelta(minutes=1)
"""Who waits tries again so often."""


@dataclass(slots=True)
class _Wait:
    """A cart waits for the tickets of `step` until an instant; meanwhile its customer does nothing else."""

    step: Take
    until: datetime
    later: list[Step] = field(default_factory=list)


class WaitingRoom:
    """Knows whose cart waits, and by how much each cart is later than it was."""

    def __init__(self, steps: Sequence[Step], patience: timedelta) -> None:
        self._patience = patience
        self._carts = {step.order_id: step.cart_id for step in steps if isinstance(step, CheckOut)}
        self._delays: dict[UUID, timedelta] = {}
        self._waits: dict[UUID, _Wait] = {}

    def postpones(self, entry: Entry, agenda: Agenda) -> bool:
        """Tell whether the step is not to be taken now, because its customer is late or waits."""
        cart_id = self._cart_of(entry.step)
        wait = self._waits.get(cart_id) if cart_id else None
        if cart_id is None or (wait is not None and _is_try(entry, wait)):
            return False
        delay = timedelta() if entry.is_new else self._delays.get(cart_id, timedelta())
        if wait is not None:
            wait.later.append(_moved(entry.step, delay))
        elif delay:
            agenda.add(_moved(entry.step, delay))
        return wait is not None or bool(delay)

    def knows(self, step: Take) -> bool:
        """Tell whether the customer waits for these tickets."""
        return step.cart_id in self._waits

    def refuse(self, step: Take, agenda: Agenda) -> bool:
        """Let the customer wait, and tell whether; if patience is at an end, life goes on without the tickets."""
        wait = self._waits.get(step.cart_id)
        if wait is None and self._patience:
            wait = self._waits[step.cart_id] = _Wait(step, step.at + self._patience)
        if wait is not None and step.at + EVERY <= wait.until:
            agenda.add(_moved(step, EVERY))
            return True
        self.serve(step, agenda)
        return False

    def serve(self, step: Take, agenda: Agenda) -> None:
        """End the customer's wait, if there was one."""
        wait = self._waits.pop(step.cart_id, None)
        if wait is None:
            return
        waited = step.at - wait.step.at
        self._delays[step.cart_id] = self._delays.get(step.cart_id, timedelta()) + waited
        for later in wait.later:
            agenda.add(_moved(later, waited))

    def _cart_of(self, step: Step) -> UUID | None:
        match step:
            case Take() | Extend() | Remove() | CheckOut():
                return step.cart_id
            case ChangeStock():
                return None
        return self._carts.get(step.order_id)


def _is_try(entry: Entry, wait: _Wait) -> bool:
    return isinstance(entry.step, Take) and entry.is_new and entry.step.line.id == wait.step.line.id


def _moved(step: Step, by: timedelta) -> Step:
    if isinstance(step, Take):
        return replace(step, at=step.at + by, holding_since=step.holding_since + by)
    return replace(step, at=step.at + by)
