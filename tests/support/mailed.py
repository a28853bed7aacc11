"""A shop that mails, moved by hand: its log, marks, queue and letter box are in memory."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

from chalicelib import contexts
from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.mail.message import OutgoingMail
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.work import MemoryWorkQueue, Task
from chalicelib.shop.mails.letters import Links
from chalicelib.shop.mails.mail import Mail
from chalicelib.shop.mails.mail_store import find_mail
from chalicelib.shop.mails.reaction import MailReaction
from chalicelib.shop.mails.schedules import retry_mails
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.ticket_files import TicketFiles
from tests.support.crashes import Crash, Trap
from tests.support.shop import BUYER, IDS, TICKET_KEYS, Clock, Shop

MINUTE = timedelta(minutes=1)


@dataclass
class LetterBox:
    """Takes mails, unless `fails` says otherwise; as SES it cannot be asked, unless it `can_be_asked`."""

    can_be_asked: bool = True
    tells_within: timedelta = timedelta(minutes=15)
    keeps_copies: bool = False
    fails: list[Exception] = field(default_factory=list)
    taken: list[tuple[OutgoingMail, bytes]] = field(default_factory=list)
    attempts: int = 0

    def send(self, mail: OutgoingMail, content: bytes) -> str:
        self.attempts += 1
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append((mail, content))
        return f"provider/{len(self.taken)}"

    def find(self, mail_id: UUID) -> str | None:
        is_known = self.can_be_asked and any(mail.id == mail_id for mail, _ in self.taken)
        return "found" if is_known else None

    def forget(self, is_known: Callable[[UUID], bool]) -> None:
        self.taken = [(mail, content) for mail, content in self.taken if is_known(UUID(mail.key))]


@dataclass
class Printer:
    """Prints the codes of tickets, unless it is away."""

    is_away: bool = False

    def tickets_pdf(self, faces: Sequence[TicketFace], language: str) -> bytes:
        if self.is_away:
            raise Unavailable("The printer is away.")
        return "\n".join(["%PDF", language, *(face.code for face in faces)]).encode()


class Mailed:
    """Offers what the handlers of mails use of a container, and runs them."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.shop = Shop(self.store)
        self.clock: Clock = self.shop.clock
        self.trap = Trap()
        self.marks, self.box = MemoryInstances(), LetterBox()
        self.event_store: Any = self.trap.behind(self.store)
        self.mails: Any = self.trap.behind(self.marks)
        self.mail_sender: Any = self.trap.behind(self.box)
        self.vault: Any = self.trap.behind(self.shop.vault)
        self.mail_queue = MemoryWorkQueue()
        self.mail_links = Links("https://tickets.example", "https://api.example")
        self.printer = Printer()
        self.ticket_files: Any = self.trap.behind(self._files())
        self.mail_from = "Cloudbash", "tickets@cloudbash.example"
        self.ids = IDS

    def _files(self) -> TicketFiles:
        book = CodeBook(self.shop.repository, lambda: TICKET_KEYS, self.clock)
        return TicketFiles(self.store, self.shop.repository, book.write, self.shop.vault.open, self.printer, self.clock)

    @property
    def repository(self) -> Repository:
        return self.shop.other_container()

    def bought(self, quantity: int = 2, price: str = "25.00", language: str | None = None) -> UUID:
        """A confirmed order of a concert of its own."""
        _, ticket_type_id = self.shop.on_sale(price=price)
        order_id = self.shop.order(ticket_type_id, quantity, language=language)
        if price != "0.00":
            self.shop.pay(order_id)
        return order_id

    def announce(self, reaction: MailReaction | None = None) -> None:
        """Every event of the log, again: the bus delivers at least once."""
        reaction = reaction or MailReaction()
        for stream_id in self.store.stream_ids():
            for stored in self.store.read(stream_id):
                if stored.aggregate_type in reaction.aggregate_types:
                    event = recorded(stored)
                    self.mail_queue.send(reaction.react(event) if event.created >= reaction.since else ())

    def work(self, choose: Callable[[list[Task]], int] = lambda _: 0) -> None:
        """Every task of the queue, in any order; that of a worker that dies, or fails, comes again."""
        for _ in range(5_000):
            if not self.mail_queue.tasks:
                return
            self.work_one(choose)
        raise AssertionError("the queue never ends")

    def work_one(self, choose: Callable[[list[Task]], int] = lambda _: 0) -> None:
        task = self.mail_queue.tasks.pop(choose(self.mail_queue.tasks))
        try:
            contexts.task_handlers(self)[task.kind](task)
        except (Crash, CloudbashError):
            self.trap.disarm()
            self.mail_queue.tasks.append(task)

    def due(self, until: datetime) -> list[datetime]:
        return [one.due_at for one in self.marks.list_due(until, 1000) if one.due_at is not None]

    def pass_time(self, by: timedelta, choose: Callable[[list[Task]], int] = lambda _: 0) -> None:
        self.clock.advance(by)
        with suppress(Crash):
            retry_mails(self)
        self.trap.disarm()
        self.work(choose)

    def run_until_quiet(self, choose: Callable[[list[Task]], int] = lambda _: 0, days: int = 10) -> None:
        """Until nothing is due in so many days; the concerts of these shops are a month away."""
        self.work(choose)
        until = self.clock() + timedelta(days=days)
        for _ in range(500):
            due = self.due(until)
            if not due:
                return
            self.pass_time(max(MINUTE, min(due) - self.clock()), choose)
        raise AssertionError(f"still due: {self.due(until)}")

    def deliver(self) -> None:
        """The bus delivers, and everything that is due today is sent."""
        self.announce()
        self.run_until_quiet()

    @property
    def sent(self) -> list[OutgoingMail]:
        return [mail for mail, _ in self.box.taken]

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.sent]

    def parsed(self, place: int = -1) -> EmailMessage:
        """A mail as a mail program reads it."""
        return message_from_bytes(self.box.taken[place][1], policy=default)

    def mark(self, mail_id: UUID) -> Mail:
        mail, _ = find_mail(self.marks, mail_id)
        assert mail is not None
        return mail


NAME, ADDRESS = BUYER["name"], BUYER["email"]
