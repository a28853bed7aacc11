"""Finds out what an account keeps when its stack is deleted."""

from typing import Any

from cfnlint.decode import decode_str  # type: ignore[import-untyped]


def kept_by(template: dict[str, Any] | str) -> set[str]:
    """Return the logical ids of the resources that a template retains."""
    decoded = decode_str(template)[0] if isinstance(template, str) else template
    return {name for name, resource in decoded["Resources"].items() if resource.get("DeletionPolicy") == "Retain"}
