"""Compares the log with the signed heads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from chalicelib.platform.eventsourcing.chain import Fault
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.integrity.heads import Archive, ArchivedDocument
from chalicelib.platform.integrity.statement import FIRST, Signer, Statement, StreamHead, digest_of, from_document

_PICKED_AT_ONCE = 100


@dataclass
class SignedCheck:
    """Goes through the documents from the newest of each shard to its first, holding one at a time."""

    log: EventStore
    archive: Archive
    signer: Signer
    only: UUID | None = None
    documents: int = 0
    heads: int = 0
    signed_until: str = ""
    faults: list[Fault] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What is wrong with the archive itself."""
    _named: set[tuple[UUID, int]] = field(default_factory=set)
    _newer: Statement | None = None

    def run(self) -> Iterator[int]:
        """Give, document by document, how many heads it held.

        Raises:
            Unavailable: the bucket or the signer cannot be reached.
        """
        for archived in self.archive.documents():
            self.documents += 1
            statement = from_document(archived.document, self.signer)
            self._check_place(archived, statement)
            heads = statement.heads if statement else ()
            self._compare(heads, statement.signed_at if statement else "")
            yield len(heads)
        self._end_shard()

    def _check_place(self, archived: ArchivedDocument, statement: Statement | None) -> None:
        name = f"document {archived.number} of {archived.shard_id}"
        if archived.was_touched:
            self.broken.append(f"{name} was overwritten or deleted after it was signed")
        if self._newer and self._newer.shard_id != archived.shard_id:
            self._end_shard()
        if self._newer and self._newer.previous != digest_of(archived.document):
            self.broken.append(f"{name} is not the one that document {self._newer.number} follows, or some are missing")
        self._newer = None
        if statement is None:
            self.broken.append(f"{name} is not signed by us")
        elif (statement.shard_id, statement.number) != (archived.shard_id, archived.number):
            self.broken.append(f"{name} was signed as another one")
        else:
            self._newer = statement
            self.signed_until = max(self.signed_until, statement.signed_at)

    def _end_shard(self) -> None:
        if self._newer and self._newer.previous != FIRST:
            self.broken.append(f"the documents before {self._newer.number} of {self._newer.shard_id} are missing")
        self._newer = None

    def _compare(self, heads: Iterable[StreamHead], signed_at: str) -> None:
        ours = (head for head in heads if self.only in {None, head.stream_id})
        while some := list(islice(ours, _PICKED_AT_ONCE)):
            self.heads += len(some)
            found = self.log.pick([(head.stream_id, head.version) for head in some])
            for head in some:
                event = found.get((head.stream_id, head.version))
                if event is None:
                    self._name(head, f"was signed at {signed_at} and is not in the log any more")
                elif event.expected_hash() != head.hash:
                    self._name(head, f"is not what was signed at {signed_at}, or an event before it is not")

    def _name(self, head: StreamHead, reason: str) -> None:
        if (head.stream_id, head.version) not in self._named:
            self._named.add((head.stream_id, head.version))
            self.faults.append(Fault(head.stream_id, head.version, reason))
