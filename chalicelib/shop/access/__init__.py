"""Access decides who may do what: roles, doors, and accounts that are disabled."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(__name__, aggregates=("account.ACCOUNT",), routes=("api.routes",))
