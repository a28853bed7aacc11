"""Writes the letters about an order: that it is confirmed, its refunds, a payment that failed, and its link."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.ids import IdKey
from chalicelib.platform.mail.message import Attachment
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.concerts.commands import ConcertFacts, facts_of_concert
from chalicelib.shop.mails.letters import Addressed, Button, Fact, Letter, Links, NotToBeSent, Section
from chalicelib.shop.mails.mail import MailKey
from chalicelib.shop.mails.words import Words
from chalicelib.shop.orders.commands import details_of_order

Value = TypeVar("Value")

ANYWHERE = "UTC"
"""The time zone of a place that does not say its own."""


FILES_WITHIN = timedelta(minutes=5)
"""So long a mail waits for its files; then it goes without them, because its link leads to them too."""


class AttachedFiles(Protocol):
    """Makes the files of an order's tickets."""

    def of(self, order_id: UUID, language: str) -> Sequence[Attachment]:
        """Return them in this language. Raises Unavailable."""


class WritingServices(Protocol):
    """Declares what writing letters uses of a container."""

    @property
    def event_store(self) -> EventStore: ...

    @property
    def repository(self) -> Repository: ...

    @property
    def ids(self) -> IdKey: ...

    @property
    def mail_links(self) -> Links: ...

    @property
    def ticket_files(self) -> AttachedFiles: ...

    def clock(self) -> datetime: ...


class OrderWriter:
    """Writes about one order, in the language of its buyer.

    Its methods raise NotToBeSent.
    """

    def __init__(self, shop: WritingServices, order_id: UUID) -> None:
        self._shop = shop
        self.order = details_of_order(shop.event_store, order_id)
        self.words = Words(self.order.language)

    def confirmation(self, _: MailKey) -> Addressed:
        order = self.order
        happened_at = _needed(order.confirmed_at, "not confirmed")
        valid = {one.ticket.concert_id for one in order.admissions if one.is_valid} - {None}
        concerts = [self.facts(key) for key in sorted(valid, key=str) if key is not None]
        if not concerts:
            raise NotToBeSent("no valid tickets")
        first, *others = sorted(self.name(one) for one in concerts)
        is_free = not order.total.amount
        paragraphs = [self.words("confirmation.intro_free" if is_free else "confirmation.intro")]
        sections = [self.section(one) for one in concerts]
        if not is_free:
            total = Fact(self.words("total"), self.words.amount(order.total))
            sections.append(Section("", (total,)))
        subject = self.words(f"confirmation.subject{'_several' if others else ''}", concert=first)
        letter = self.letter(subject, paragraphs, "see_tickets", sections, self.words("confirmation.bring"))
        return self.addressed(replace(letter, attachments=self._files(happened_at)), happened_at)

    def _files(self, happened_at: datetime) -> tuple[Attachment, ...]:
        try:
            return tuple(self._shop.ticket_files.of(self.order.id, self.words.language))
        except Unavailable:
            if self._shop.clock() - happened_at < FILES_WITHIN:
                raise
            return ()

    def refund(self, key: MailKey) -> Addressed:
        amount = _needed(self.order.refunds.get(key.about or key.stream_id), "no such refund")
        happened_at = _needed(self.order.refunded_at.get(key.about or key.stream_id), "not refunded")
        text = self.words.amount(amount)
        paragraphs = [self.words("refund.intro", amount=text), self.words("refund.days")]
        letter = self.letter(self.words("refund.subject", amount=text), paragraphs, "see_order")
        return self.addressed(letter, happened_at)

    def payment_failed(self, key: MailKey) -> Addressed:
        """Write only while the order can still be paid: who has paid by now, or not in time, needs no such mail."""
        order = self.order
        happened_at = _needed(order.payments_failed_at.get(key.about or key.stream_id), "no such payment")
        if not order.is_payable(self._shop.clock()) or order.payment_due_at is None:
            raise NotToBeSent("not payable")
        concerts = [self.facts(one) for one in sorted(order.concert_ids)]
        zone = concerts[0].venue.time_zone if concerts and concerts[0].venue else ANYWHERE
        again = self.words("payment_failed.again", until=self.words.instant(order.payment_due_at, zone))
        subject = self.words("payment_failed.subject", concert=self._first_name(concerts))
        letter = self.letter(subject, [self.words("payment_failed.intro"), again], "payment_failed.button")
        return self.addressed(letter, happened_at)

    def link(self, key: MailKey) -> Addressed:
        order = self.order
        happened_at = _needed(order.links_issued_at.get(key.about or key.stream_id), "no such link")
        if order.link is None:
            raise NotToBeSent("the order has no link any more")
        if key.about != next(reversed(list(order.links_issued_at))):
            raise NotToBeSent("a newer link was issued")
        concerts = [self.facts(one) for one in sorted(order.concert_ids)]
        subject = self.words("link.subject", concert=self._first_name(concerts))
        return self.addressed(self.letter(subject, [self.words("link.intro")], "see_order"), happened_at)

    def facts(self, concert_id: UUID) -> ConcertFacts:
        return facts_of_concert(self._shop.repository, concert_id)

    def name(self, concert: ConcertFacts) -> str:
        """Return the name that the concert has today, or that under which it was bought."""
        bought = (one.line.concert_name for one in self.order.admissions_to(concert.id))
        return concert.name or next(bought, "")

    def section(self, concert: ConcertFacts) -> Section:
        """Tell when and where a concert is, and which tickets of it the order has."""
        facts = []
        if concert.starts_at is not None:
            zone = concert.venue.time_zone if concert.venue else ANYWHERE
            facts.append(Fact(self.words("when"), self.words.instant(concert.starts_at, zone)))
        elif concert.is_postponed:
            facts.append(Fact(self.words("when"), self.words("no_date")))
        if concert.venue is not None:
            place = concert.venue
            facts.append(Fact(self.words("where"), ", ".join((place.name, place.address, place.city))))
        kinds = Counter(one.line.ticket_type_name for one in self.order.admissions_to(concert.id) if one.is_valid)
        if kinds:
            tickets = ", ".join(f"{quantity} × {name}" for name, quantity in kinds.items())
            facts.append(Fact(self.words("tickets"), tickets))
        return Section(self.name(concert), tuple(facts))

    def letter(
        self, subject: str, paragraphs: list[str], button: str, sections: list[Section] | None = None, note: str = ""
    ) -> Letter:
        """Make a letter whose button leads to the order."""
        link = self.order.link_text(self._shop.ids)
        notes = [note] if note else []
        notes += [] if link is None else [self.words("own_link")]
        return Letter(
            self.words.language,
            subject,
            tuple(paragraphs),
            tuple(sections or ()),
            Button(self.words(button), self._shop.mail_links.order(self.order.id, link)),
            (*notes, self.words("order", order_id=str(self.order.id))),
        )

    def addressed(self, letter: Letter, happened_at: datetime) -> Addressed:
        return Addressed(self._buyer(), letter, happened_at)

    def _buyer(self) -> Sealed:
        return _needed(self.order.buyer, "nobody knows the buyer")

    def _first_name(self, concerts: list[ConcertFacts]) -> str:
        return next((one.name for one in concerts if one.name), "…")


def _needed(value: Value | None, reason: str) -> Value:
    """Return what is there.

    Raises NotToBeSent for the reason if nothing is.
    """
    if value is None:
        raise NotToBeSent(reason)
    return value
