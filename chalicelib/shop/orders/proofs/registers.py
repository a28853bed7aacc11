"""Defines where registers are kept: each for good, under the root that a certificate has of it."""

from contextlib import AbstractContextManager
from typing import Any, Protocol
from uuid import UUID

from chalicelib.platform.aws.conditional import put_object_if_absent
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import Misconfigured
from chalicelib.platform.failures import Failure


class Registers(Protocol):
    """Stores the contents of registers. Both methods may raise Unavailable."""

    def put(self, concert_id: UUID, root: str, content: bytes) -> None:
        """Store a register; there is only one with its root."""

    def read(self, concert_id: UUID, root: str, start: int = 0, end: int | None = None) -> bytes:
        """Return the register, or its bytes from `start` until just before `end`."""


class MemoryRegisters:
    """Stores registers in memory, for tests without servers."""

    def __init__(self) -> None:
        self.stored: dict[tuple[UUID, str], bytes] = {}

    def put(self, concert_id: UUID, root: str, content: bytes) -> None:
        self.stored.setdefault((concert_id, root), content)

    def read(self, concert_id: UUID, root: str, start: int = 0, end: int | None = None) -> bytes:
        try:
            return self.stored[concert_id, root][start:end]
        except KeyError:
            raise _missing(root) from None


class S3Registers:
    """Stores registers as `sold/<concert>/<root>` beside the signed heads, where nobody can change or delete them."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, concert_id: UUID, root: str, content: bytes) -> None:
        with _register_failures():
            put_object_if_absent(self._client.put_object, Bucket=self._bucket, Key=_key(concert_id, root), Body=content)

    def read(self, concert_id: UUID, root: str, start: int = 0, end: int | None = None) -> bytes:
        part = {} if (start, end) == (0, None) else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        with _register_failures():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=_key(concert_id, root), **part)
            except self._client.exceptions.NoSuchKey as gone:
                raise _missing(root) from gone
            content: bytes = found["Body"].read()
        return content


def _key(concert_id: UUID, root: str) -> str:
    return f"sold/{concert_id}/{root}"


def _missing(root: str) -> Misconfigured:
    return Misconfigured(f"The register of tickets with the root {root} is missing.")


def _register_failures() -> AbstractContextManager[None]:
    return failures_as_unavailable("The bucket of registers", otherwise=Failure.MISCONFIGURED)
