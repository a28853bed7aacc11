"""Resolves the few CloudFormation intrinsics that our resource file uses, for given parameters."""

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\$\{([^}!]+)\}")


class TemplateError(ValueError):
    pass


def resolve(value: Any, parameters: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [resolve(part, parameters) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Ref":
            return _parameter(argument, parameters)
        if name == "Fn::Sub":
            return substitute(argument, parameters)
        if name.startswith("Fn::"):
            raise TemplateError(f"The local stack does not support {name}: {value}")
    return {key: resolve(part, parameters) for key, part in value.items()}


def substitute(argument: Any, parameters: Mapping[str, str]) -> str:
    if isinstance(argument, list):
        text, own = argument
        return substitute(text, {**parameters, **resolve(own, parameters)})
    return PLACEHOLDER.sub(lambda found: _parameter(found[1].strip(), parameters), argument)


def _parameter(name: str, parameters: Mapping[str, str]) -> str:
    if name not in parameters:
        raise TemplateError(
            f"The resource file names {name!r}; the local stack knows only {', '.join(sorted(parameters))}"
        )
    return parameters[name]
