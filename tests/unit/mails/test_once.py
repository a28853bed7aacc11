"""A mail is sent once, whatever dies, comes twice or comes late, as far as its provider lets anybody know."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from chalicelib import contexts
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.mail.port import MailRefused, OutcomeUnknown
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey, MailStatus
from chalicelib.shop.mails.reaction import MailReaction
from chalicelib.shop.mails.sending import HISTORY_AFTER
from chalicelib.shop.mails.task_kinds import MAIL_CONFIRMATION
from tests.support.mailed import Mailed
from tests.support.told import any_task


def confirmation_of(order_id: UUID) -> UUID:
    return MailKey(MailKind.CONFIRMATION, order_id).mail_id


def test_a_confirmed_order_is_mailed_to_its_buyer_once_however_often_the_bus_delivers() -> None:
    mailed = Mailed()
    mailed.bought()
    for _ in range(3):
        mailed.deliver()
    assert mailed.subjects == ["Your tickets for Patti Smith"]
    assert [mail.address for mail in mailed.sent] == ["carla@example.org"]


@pytest.mark.parametrize("seed", range(10))
def test_tasks_may_come_twice_and_in_any_order(seed: int) -> None:
    mailed = Mailed()
    orders = [mailed.bought() for _ in range(3)]
    for _ in range(3):
        mailed.announce()
    mailed.run_until_quiet(any_task(seed))
    assert sorted(mail.id for mail in mailed.sent) == sorted(map(confirmation_of, orders))


@pytest.mark.parametrize("carried_out", [False, True], ids=["before the call", "after the call"])
def test_a_buyer_gets_one_confirmation_wherever_the_mailer_is_killed_if_the_provider_can_be_asked(
    carried_out: bool,
) -> None:
    for at in count(1):
        mailed = Mailed()
        mailed.bought()
        mailed.announce()
        mailed.trap.arm(at, carried_out)
        mailed.work()
        reached = mailed.trap.calls
        mailed.trap.disarm()
        mailed.run_until_quiet()
        assert len(mailed.sent) == 1, at
        assert mailed.mark(mailed.sent[0].id).status is MailStatus.SENT
        if reached < at:
            assert at > 5
            return


@pytest.mark.parametrize("carried_out", [False, True], ids=["before the call", "after the call"])
def test_a_provider_that_cannot_be_asked_and_tells_nothing_gets_a_mail_again_only_if_it_died_while_sending(
    carried_out: bool,
) -> None:
    """Nobody goes without a mail; who has two is whose worker died between the provider's yes and the note of it."""
    endings = set()
    for at in count(1):
        mailed = Mailed()
        mailed.box.can_be_asked = False
        mailed.bought()
        mailed.announce()
        mailed.trap.arm(at, carried_out)
        mailed.work()
        reached = mailed.trap.calls
        mailed.trap.disarm()
        mailed.run_until_quiet()
        endings.add(len(mailed.sent))
        if reached < at:
            break
    assert endings == {1, 2}


def test_a_mail_of_which_nothing_is_known_waits_until_the_provider_must_have_told() -> None:
    mailed = Mailed()
    mailed.box.fails = [OutcomeUnknown("ReadTimeoutError")]
    mailed.bought()
    mailed.announce()
    mailed.work()
    for _ in range(14):
        mailed.pass_time(timedelta(minutes=1))
    mailed.announce()
    mailed.work()
    assert mailed.box.attempts == 1
    mailed.pass_time(timedelta(minutes=1))
    assert (mailed.box.attempts, len(mailed.sent)) == (2, 1)


def test_two_workers_with_the_same_task_send_one_mail() -> None:
    """The second one begins while the first one is about to send."""
    mailed = Mailed()
    mailed.bought()
    mailed.announce()
    [task] = [one for one in mailed.mail_queue.tasks if one.kind == MAIL_CONFIRMATION]

    class Nested:
        def __getattr__(self, name: str) -> object:
            if name == "send":
                mailed.mail_sender = mailed.box
                mailed.work()
            return getattr(mailed.box, name)

    mailed.mail_sender = Nested()
    mailed.mail_queue.tasks.append(task)
    mailed.work()
    assert len(mailed.sent) == 1


def test_what_is_not_taken_is_tried_again_for_three_days_and_then_given_up() -> None:
    mailed = Mailed()
    mailed.box.fails = [Unavailable("SES takes no more mails for now.") for _ in range(1000)]
    order_id = mailed.bought()
    began = mailed.clock()
    mailed.deliver()
    mark = mailed.mark(confirmation_of(order_id))
    assert mark.status is MailStatus.REFUSED
    assert timedelta(days=3) <= mailed.clock() - began < timedelta(days=3, hours=3)
    assert 30 < mailed.box.attempts < 60


def test_what_is_refused_is_not_tried_again() -> None:
    mailed = Mailed()
    mailed.box.fails = [MailRefused("BadRequest")]
    order_id = mailed.bought()
    mailed.deliver()
    mailed.deliver()
    mark = mailed.mark(confirmation_of(order_id))
    assert (mark.status, mark.reason, mailed.box.attempts) == (MailStatus.REFUSED, "BadRequest", 1)


def test_what_is_taken_on_the_second_attempt_is_sent_once() -> None:
    mailed = Mailed()
    mailed.box.fails = [Unavailable("away")]
    mailed.bought()
    mailed.deliver()
    assert (len(mailed.sent), mailed.box.attempts) == (1, 2)


def test_history_is_not_mailed_to_anybody() -> None:
    mailed = Mailed()
    order_id = mailed.bought()
    mailed.clock.advance(HISTORY_AFTER + timedelta(seconds=1))
    mailed.deliver()
    assert mailed.sent == []
    assert mailed.mark(confirmation_of(order_id)).reason == "history"


@pytest.mark.parametrize("since", [MailReaction.since, datetime(2031, 1, 1, tzinfo=UTC)])
def test_neither_rebuilding_nor_events_of_before_there_were_mails_cause_any(since: datetime) -> None:
    mailed, queue, reaction = Mailed(), MemoryWorkQueue(), MailReaction()
    reaction.since = since
    order_id = mailed.bought()
    runner = ProcessRunner(MemoryInstances(), queue, contexts.processes(), [reaction])
    is_history = since > mailed.clock()
    live = runner if is_history else runner.at(2)
    live.apply(order_id, -1, [recorded(stored) for stored in mailed.store.read(order_id)])
    assert queue.tasks == []


def test_a_mark_says_nothing_about_a_person() -> None:
    mailed = Mailed()
    order_id = mailed.bought()
    mailed.deliver()
    stored = mailed.marks.find(confirmation_of(order_id))
    assert stored is not None
    assert "carla" not in repr(stored.state).lower()
