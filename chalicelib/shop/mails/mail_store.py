"""Stores what is remembered of mails among the instances of processes, in a space of its own, with due times."""

from collections.abc import Callable, Iterable
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Busy
from chalicelib.platform.processes.process import Instance, Instances
from chalicelib.shop.mails.mail import Mail

MAIL = "Mail"
_TRIES = 20


def find_mail(instances: Instances, mail_id: UUID) -> tuple[Mail | None, int]:
    """Return a mail and its version; -1 if nothing is known of it.

    Raises Unavailable.
    """
    found = instances.find(mail_id)
    return (None, -1) if found is None else (_mail(found), found.version)


def find_mails(instances: Instances, mail_ids: Iterable[UUID]) -> list[Mail]:
    """Return those of the mails of which anything is known.

    Raises Unavailable.
    """
    return [_mail(found) for found in instances.find_many(list(mail_ids)).values()]


def save_mail(instances: Instances, mail: Mail, expected: int) -> int:
    """Store a mail in the place of that of the expected version, and return its version.

    Raises PositionMoved or Unavailable.
    """
    version = expected + 1
    instances.save(Instance(mail.key.mail_id, MAIL, version, mail.to_state(), mail.due_at), expected)
    return version


def change_mail(instances: Instances, mail_id: UUID, change: Callable[[Mail], Mail | None]) -> Mail | None:
    """Change a mail, whoever changes it at the same time, unless `change` says None; return it as it is then.

    Raises Busy or Unavailable.
    """
    for _ in range(_TRIES):
        mail, version = find_mail(instances, mail_id)
        changed = None if mail is None else change(mail)
        if changed is None:
            return mail
        try:
            save_mail(instances, changed, version)
        except PositionMoved:
            continue
        return changed
    raise Busy(f"Others keep changing the mail {mail_id}.")


def _mail(instance: Instance) -> Mail:
    return Mail.from_state(instance.state)
