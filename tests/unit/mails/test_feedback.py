"""What comes back of mails: a bounce ends mails to that address and no sale, a complaint ends reminders."""

import json
from typing import Any

import pytest

from chalicelib.platform.mail.port import OutcomeUnknown
from chalicelib.platform.processes.work import Task, from_message
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey, MailStatus
from chalicelib.shop.mails.recipient import recipient_stream
from chalicelib.shop.mails.task_kinds import RECORD_BOUNCED_MAIL, RECORD_SENT_MAIL, RECORD_UNWANTED_MAIL
from chalicelib.shop.orders.buyers import correct_buyer
from chalicelib.shop.orders.rules import OrderStatus
from infra.mail_events import RESOURCES, TOLD
from tests.support.mailed import Mailed
from tests.support.shop import CUSTOMER, ORGANISER


def told_of(mailed: Mailed, kind: str, place: int = -1) -> None:
    """The provider tells of a mail that it has taken."""
    mailed.mail_queue.send([Task(kind, mailed.sent[place].id, "message")])
    mailed.work()


def test_what_the_provider_has_taken_is_not_sent_again_if_it_says_so_in_time() -> None:
    mailed = Mailed()
    mailed.box.can_be_asked = False
    order_id = mailed.bought()
    mailed.announce()
    key = MailKey(MailKind.CONFIRMATION, order_id)
    mailed.box.fails = [OutcomeUnknown("ReadTimeoutError")]
    mailed.work()
    mailed.mail_queue.send([Task(RECORD_SENT_MAIL, key.mail_id, "message")])
    mailed.run_until_quiet()
    mark = mailed.mark(key.mail_id)
    assert (mark.status, mark.provider_id, mailed.box.attempts) == (MailStatus.SENT, "message", 1)


def test_nothing_more_is_sent_to_an_address_that_bounced_until_it_is_corrected_and_the_sale_stays() -> None:
    mailed = Mailed()
    first = mailed.bought()
    mailed.deliver()
    for _ in range(2):
        told_of(mailed, RECORD_BOUNCED_MAIL)
    mailed.bought()
    mailed.deliver()
    assert len(mailed.sent) == 1
    assert mailed.shop.order_state(first).status is OrderStatus.CONFIRMED
    [event] = mailed.store.read(recipient_stream(CUSTOMER.id))
    assert "carla" not in event.data.lower()

    third = mailed.bought()
    address = {"email": "carla.jones@example.org"}
    correct_buyer(mailed.repository, mailed.shop.vault, mailed.shop.request(ORGANISER), third, address)
    mailed.deliver()
    assert [mail.address for mail in mailed.sent] == ["carla@example.org", "carla.jones@example.org"]


def test_a_complaint_ends_reminders_and_no_other_mail() -> None:
    mailed = Mailed()
    mailed.bought()
    mailed.deliver()
    told_of(mailed, RECORD_UNWANTED_MAIL)
    mailed.bought()
    mailed.deliver()
    assert len(mailed.sent) == 2


@pytest.mark.parametrize("kind", [RECORD_SENT_MAIL, RECORD_BOUNCED_MAIL, RECORD_UNWANTED_MAIL])
def test_what_is_told_of_a_mail_that_nobody_knows_changes_nothing(kind: str) -> None:
    mailed = Mailed()
    order_id = mailed.bought()
    mailed.mail_queue.send([Task(kind, order_id, "message")])
    mailed.work()
    assert mailed.marks.find(order_id) is None


SES_EVENT: dict[str, Any] = {
    "source": "aws.ses",
    "detail": {
        "mail": {
            "messageId": "0100018f-0000",
            "destination": ["carla@example.org"],
            "tags": {"mail": ["5e77e4d0-0000-4000-8000-000000000001"], "ses:configuration-set": ["cloudbash-prod"]},
        }
    },
}


@pytest.mark.parametrize("name", TOLD)
def test_an_event_of_ses_becomes_a_task_that_names_the_mail_and_nobody(name: str) -> None:
    """As EventBridge fills the template in: text is quoted."""
    transformer = RESOURCES[name]["Properties"]["Targets"][0]["InputTransformer"]
    assert transformer["InputPathsMap"] == {"mail": "$.detail.mail.tags.mail[0]", "message": "$.detail.mail.messageId"}
    mail = SES_EVENT["detail"]["mail"]
    body = transformer["InputTemplate"]
    for place, value in (("mail", mail["tags"]["mail"][0]), ("message", mail["messageId"])):
        body = body.replace(f"<{place}>", json.dumps(value))
    task = from_message(body)
    assert (task.kind, str(task.stream_id), task.cause) == (TOLD[name][1], mail["tags"]["mail"][0], "0100018f-0000")
