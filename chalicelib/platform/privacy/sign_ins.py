"""Deletes what a person signs in with, which is the issuer's and no event of ours."""

from typing import Protocol
from uuid import UUID


class SignIns(Protocol):
    """Has the accounts at the issuer of tokens."""

    def delete(self, person_id: UUID) -> None:
        """Delete the person's account there; one that is not there, or no more, is no error.

        Raises Unavailable.
        """


class NoSignIns:
    """Stands for an issuer that is not ours to change: the local one, which stores nobody."""

    def delete(self, person_id: UUID) -> None:
        """Leave everything as it is."""
