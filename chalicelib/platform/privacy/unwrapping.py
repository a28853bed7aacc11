"""Unwraps the keys of many persons, and remembers for a minute what the master key has unwrapped."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from chalicelib.platform.privacy.keys import MasterKey

MEMORY = 60.0
"""For how many seconds a key is remembered, for whoever has just read its wrapped form from the table."""

MOST = 10_000
_AT_ONCE = 16


class Unwrapper:
    """Asks the master key, which may be a call to KMS, at most once a minute for the same wrapped key."""

    def __init__(self, master_key: MasterKey, clock: Callable[[], float] = time.monotonic) -> None:
        self._master_key = master_key
        self._clock = clock
        self._known: dict[tuple[str, bytes], tuple[float, bytes]] = {}

    def unwrap_many(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the keys by person.

        Raises Unavailable.
        """
        self._forget_old()
        unknown = [entry for entry in wrapped.items() if entry not in self._known]
        if unknown:
            with ThreadPoolExecutor(min(_AT_ONCE, len(unknown))) as threads:
                keys = list(threads.map(self._unwrap, unknown))
            now = self._clock()
            fresh = {entry: (now, key) for entry, key in zip(unknown, keys, strict=True)}
        else:
            fresh = {}
        known = self._known | fresh
        self._known = known if len(known) <= MOST else fresh
        return {person_id: known[person_id, key][1] for person_id, key in wrapped.items()}

    def _unwrap(self, entry: tuple[str, bytes]) -> bytes:
        person_id, key = entry
        return self._master_key.unwrap(key, person_id)

    def _forget_old(self) -> None:
        oldest = self._clock() - MEMORY
        self._known = {entry: found for entry, found in self._known.items() if found[0] > oldest}
