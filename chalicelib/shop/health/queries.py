"""Asks every server whether it answers."""

import logging
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

Probe = Callable[[], object]


def check(probes: Mapping[str, Probe]) -> dict[str, str]:
    """Return `ok` or `unavailable` by dependency; the reason is only logged."""
    return {name: _state(name, probe) for name, probe in probes.items()}


def _state(name: str, probe: Probe) -> str:
    try:
        probe()
    except Exception:
        logger.warning("%s does not answer", name, exc_info=True)
        return "unavailable"
    return "ok"
