"""Access decides who may do what: roles, doors, teams, API keys, and accounts that are disabled or erased."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("account.ACCOUNT", "team.TEAM", "api_key.API_KEY"),
    routes=("api.routes", "team_api.routes", "key_api.routes", "me_api.routes", "privacy_api.routes"),
    tasks={"finish_erasure": "tasks.finish_erasure"},
)
