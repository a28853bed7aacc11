"""Names a function: in the template, in the account, and where its log lies."""

from chalicelib.functions import API_HANDLER
from chalicelib.platform.function import Function


def logical_id(function: Function) -> str:
    """Return its name in the template, which Chalice makes."""
    return "APIHandler" if function.name == API_HANDLER else function.name.title().replace("_", "")


def physical_name(function: Function) -> str:
    """Return its name in the account, behind `cloudbash-<stage>-`."""
    return "api" if function.name == API_HANDLER else function.name.replace("_", "-")


def logs_of(function: Function) -> str:
    """Return the template's name of its log group."""
    return f"{logical_id(function)}Logs"
