"""Access decides which roles a person has been granted here, besides those in the token."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(__name__, aggregates=("account.ACCOUNT",))
