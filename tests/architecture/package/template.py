"""Parts of the template that `make package` writes."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

from chalicelib.functions import FUNCTIONS
from infra.names import logical_id

BY_ID = {logical_id(function): function for function in FUNCTIONS.values()}
Json = dict[str, Any]


def of_type(resources: Json, kind: str) -> Json:
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def names_in(zipped: Path) -> set[str]:
    with ZipFile(zipped) as archive:
        return set(archive.namelist())


def environment_of(functions: Json, function: str) -> dict[str, str]:
    """With a value of the right kind for each variable."""
    kinds = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWKS_URL": "https://issuer/jwks"}
    kinds |= {"PAYMENT_PROVIDERS": "sandbox", "APPEND_WITH": "partiql", "PAYMENT_RETURN_URL": "https://shop/paid"}
    kinds |= {"PUBLIC_SHOP_URL": "https://shop", "PUBLIC_API_URL": "https://api"}
    kinds |= {"STAFF_MFA": "required", "QUERY_PATIENCE": "1"}
    variables = functions[function]["Environment"]["Variables"]
    return {name: kinds.get(name, "15") for name in variables}
