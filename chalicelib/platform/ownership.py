"""Changes streams that somebody owns, in the steps that most commands of an organiser share."""

from collections.abc import Callable, Sequence
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.platform.eventsourcing.aggregate import Aggregate, State
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session


def owned(session: Session, caller: Caller, aggregate: Aggregate[State], stream_id: UUID) -> State:
    """Load the stream's state for a caller who manages it.

    Raises NotFound or Forbidden.
    """
    state = session.load(aggregate, stream_id)
    if session.version(stream_id) < 0:
        raise NotFound(f"There is no such {aggregate.name.lower()}.")
    caller.actor.ensure_manages(aggregate.owner(state))
    return state


def done_before(session: Session, caller: Caller, stream_id: UUID, request_hash: str | None = None) -> int | None:
    """Return the version to which this very request has brought the stream before; None if it never did.

    The stream's new events get the hash of the body: that of the request, or `request_hash` where the body names a
    person. An empty one is not stored, and nothing is compared with it.

    Raises:
        IdempotencyKeyReused: the request was carried out with another body.
        PreconditionFailed: it was never carried out, and the caller expects another version.
    """
    # Only the log tells. The state may have been changed again since, also back to what it was, and whoever repeats a
    # request need not expect the version of then. A request without a key never comes again, and is not looked for.
    if caller.request.is_repeatable:
        told = caller.request.request_hash if request_hash is None else request_hash
        caused = session.find_caused(stream_id, caller.origin.causation_id)
        if caused is not None:
            if told and caused.request_hash and told != caused.request_hash:
                raise IdempotencyKeyReused
            return caused.version
        session.note_request(stream_id, told)
    session.ensure_version(stream_id, caller.expected_version)
    return None


def change_owned(
    repository: Repository,
    caller: Caller,
    aggregate: Aggregate[State],
    stream_id: UUID,
    decide: Callable[[State], Sequence[Event]],
) -> int:
    """Append what `decide` returns, and return the version that the stream then has.

    Raises NotFound, Forbidden, IdempotencyKeyReused, PreconditionFailed, or what `decide` raises.
    """

    def command(session: Session) -> int:
        state = owned(session, caller, aggregate, stream_id)
        if (version := done_before(session, caller, stream_id)) is not None:
            return version
        session.append(aggregate, stream_id, *decide(state))
        return session.version(stream_id)

    return repository.execute(command, caller.origin)
