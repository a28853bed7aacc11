"""Refunds, payments that failed, links of guests, and invitations."""

from datetime import timedelta

import pytest

from chalicelib.platform.caller import TeamRole
from chalicelib.platform.errors import PaymentRefused
from chalicelib.shop.access.team import team_id
from chalicelib.shop.access.team_commands import invite, revoke_invitation
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.orders import joining, settlement
from chalicelib.shop.orders.links import read_link
from tests.support.mailed import Mailed
from tests.support.shop import GUEST, ORGANISER

FAILED = "Your payment for Patti Smith did not go through"
GIVEN_BACK = "Your money is on its way back: EUR\N{NO-BREAK SPACE}50.00"


def test_a_refund_is_told_once_it_was_made() -> None:
    mailed = Mailed()
    order_id = mailed.bought()
    [concert_id] = {line.concert_id for line in mailed.shop.order_state(order_id).lines}
    assert concert_id is not None
    concerts.cancel_concert(mailed.repository, mailed.shop.request(ORGANISER), concert_id)
    mailed.deliver()
    assert GIVEN_BACK not in mailed.subjects
    settlement.cancel_order(mailed.shop.context(), order_id, concert_id, "The concert is cancelled.")
    for _ in range(2):
        mailed.deliver()
    assert mailed.subjects.count(GIVEN_BACK) == 1


@pytest.mark.parametrize(("pays_again", "mails"), [(True, 0), (False, 1)])
def test_a_failed_payment_is_told_to_who_does_not_pay_in_another_way(pays_again: bool, mails: int) -> None:
    mailed = Mailed()
    _, ticket_type_id = mailed.shop.on_sale()
    order_id = mailed.shop.order(ticket_type_id)
    with pytest.raises(PaymentRefused):
        mailed.shop.pay(order_id, "tok_declined")
    mailed.announce()
    mailed.work()
    assert mailed.subjects == []
    if pays_again:
        mailed.shop.pay(order_id)
    mailed.pass_time(timedelta(minutes=3))
    mailed.announce()
    mailed.work()
    assert mailed.subjects.count(FAILED) == mails


def test_a_failed_payment_of_an_order_whose_time_is_over_is_not_told() -> None:
    mailed = Mailed()
    _, ticket_type_id = mailed.shop.on_sale()
    order_id = mailed.shop.order(ticket_type_id)
    with pytest.raises(PaymentRefused):
        mailed.shop.pay(order_id, "tok_declined")
    mailed.announce()
    mailed.work()
    mailed.pass_time(timedelta(hours=2))
    assert mailed.subjects == []


def test_a_guest_gets_the_link_with_the_tickets_and_only_the_newest_of_those_after_it() -> None:
    mailed = Mailed()
    _, ticket_type_id = mailed.shop.on_sale(price="0.00")
    order_id = mailed.shop.order(ticket_type_id, actor=GUEST)
    mailed.deliver()
    first = _link_in(mailed.sent[-1].text)
    assert read_link(first, mailed.ids).order_id == order_id
    for _ in range(2):
        joining.issue_link(mailed.repository, mailed.shop.request(GUEST), order_id)
    mailed.deliver()
    assert mailed.subjects[1:] == ["The link to your order for Patti Smith"]
    assert read_link(_link_in(mailed.sent[-1].text), mailed.ids).number == 2


def _link_in(text: str) -> str:
    return text.partition("#link=")[2].split()[0]


@pytest.mark.parametrize("is_revoked", [False, True])
def test_who_is_invited_gets_the_secret_unless_the_invitation_was_revoked(is_revoked: bool) -> None:
    mailed = Mailed()
    caller = mailed.shop.request(ORGANISER)
    week = timedelta(days=7)
    invited = invite(
        mailed.repository, mailed.shop.vault, caller, ORGANISER.id, TeamRole.STAFF, "sven@example.org", week
    )
    if is_revoked:
        revoke_invitation(mailed.repository, mailed.shop.request(ORGANISER), ORGANISER.id, invited.id)
    mailed.deliver()
    assert [mail.address for mail in mailed.sent] == ([] if is_revoked else ["sven@example.org"])
    assert is_revoked or invited.secret in mailed.sent[0].text
    assert mailed.store.read(team_id(ORGANISER.id))


def test_nobody_who_is_erased_gets_a_mail() -> None:
    mailed = Mailed()
    mailed.bought()
    mailed.box.keeps_copies = True
    mailed.deliver()
    other = mailed.bought()
    mailed.shop.vault.erase(mailed.shop.order_state(other).customer_id)  # type: ignore[arg-type]
    mailed.deliver()
    assert len(mailed.sent) == 1
