"""Access decides who may do what: roles, doors, and accounts that are disabled or erased."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("account.ACCOUNT",),
    routes=("api.routes", "privacy_api.routes"),
    tasks={"finish_erasure": "tasks.finish_erasure"},
)
