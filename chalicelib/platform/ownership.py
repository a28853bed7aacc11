"""Changes streams that somebody owns, in the steps that most commands of an organiser share."""

from collections.abc import Callable, Sequence
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import NotFound, PreconditionFailed
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


def done_before(session: Session, caller: Caller, stream_id: UUID) -> int | None:
    """Return the version to which this very request has brought the stream before; None if it never did.

    Raises PreconditionFailed if the caller expects another version and the request was never carried out.
    """
    # A client whose first reply was lost sends the request again with the same expected version, which its own events
    # have made old. Only then is the log searched for the request: a fresh one costs no read more.
    try:
        session.ensure_version(stream_id, caller.expected_version)
    except PreconditionFailed:
        version = session.version_caused_by(stream_id, caller.origin.causation_id)
        if version is None:
            raise
        return version
    return None


def change_owned(
    repository: Repository,
    caller: Caller,
    aggregate: Aggregate[State],
    stream_id: UUID,
    decide: Callable[[State], Sequence[Event]],
) -> int:
    """Append what `decide` returns, and return the version that the stream then has.

    Raises NotFound, Forbidden, PreconditionFailed, or what `decide` raises.
    """

    def command(session: Session) -> int:
        state = owned(session, caller, aggregate, stream_id)
        if (version := done_before(session, caller, stream_id)) is not None:
            return version
        session.append(aggregate, stream_id, *decide(state))
        return session.version(stream_id)

    return repository.execute(command, caller.origin)
