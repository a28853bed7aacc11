"""Gives the names of a function: in the template, in the account, and of its log group."""

from chalicelib.functions import API_HANDLER
from chalicelib.platform.function import Function


def logical_id(function: Function) -> str:
    """Return the function's name in the template, which Chalice makes."""
    return "APIHandler" if function.name == API_HANDLER else function.name.title().replace("_", "")


def physical_name(function: Function) -> str:
    """Return the function's name in the account, without `cloudbash-<stage>-`."""
    return "api" if function.name == API_HANDLER else function.name.replace("_", "-")


def logs_of(function: Function) -> str:
    """Return the name of the function's log group in the template."""
    return f"{logical_id(function)}Logs"
