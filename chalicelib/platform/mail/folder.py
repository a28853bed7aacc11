"""Puts mails into a folder, one file each, for development and tests."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from chalicelib.platform.mail.message import OutgoingMail


class MailFolder:
    """Has a folder for each key under which an address is sealed, so that a person's mails can be deleted.

    A file appears whole or not at all, under the id of its mail: sending again replaces it by itself.
    """

    tells_within = timedelta(minutes=2)
    keeps_copies = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: OutgoingMail, content: bytes) -> str:
        of_person = self._folder / str(UUID(mail.key))
        of_person.mkdir(parents=True, exist_ok=True)
        unfinished = of_person / f".{mail.id}.{os.getpid()}"
        unfinished.write_bytes(content)
        unfinished.replace(of_person / f"{mail.id}.eml")
        return str(mail.id)

    def find(self, mail_id: UUID) -> str | None:
        return None if self.file_of(mail_id) is None else str(mail_id)

    def forget(self, is_known: Callable[[UUID], bool]) -> None:
        for of_person in self._folder.glob("*/"):
            if not is_known(UUID(of_person.name)):
                shutil.rmtree(of_person, ignore_errors=True)

    def file_of(self, mail_id: UUID) -> Path | None:
        return next(self._folder.glob(f"*/{mail_id}.eml"), None)

    def files(self) -> list[Path]:
        """List all mails, the newest first."""
        return sorted(self._folder.glob("*/*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)
