"""Imitates a container as Lambda starts it, with its environment and its folders, on this machine."""

import os
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

from chalicelib.platform.function import Function
from chalicelib.settings import Settings
from infra import runtime
from infra.layers import LAYERS, file_of

AWS_SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""Lambda's runtime has these packages in addition to the standard library."""

CODE, SDK = "task", "runtime"
DEPENDENCIES = f"dependencies/{runtime.SITE_PACKAGES}"
"""`unpack` puts the code, the SDK and the layers here: one layer of every function, and those of single ones."""


def place_of(layer: str) -> str:
    """Return the folder of the libraries of a layer that only some functions have."""
    return f"{layer}/{runtime.SITE_PACKAGES}"


def places_of(function: Function | None = None) -> tuple[str, ...]:
    """Return the folders that Python searches in a container of the function, in this order."""
    layers = function.layers if function else ()
    return (CODE, DEPENDENCIES, *map(place_of, layers), SDK)


def environment(function: str) -> dict[str, str]:
    """Return the environment for the handler of this name: every setting except the files of development.

    Nothing answers at its endpoints.
    """
    texts = [field for field in fields(Settings) if isinstance(field.default, str)]
    settings = {field.name.upper(): field.default or "x" for field in texts}
    kinds = {
        "DATABASE_URL": "postgresql://db/x",
        "REDIS_URL": "redis://cache",
        "JWKS_URL": "https://issuer/jwks",
        "STRIPE_API_BASE": "https://provider",
        "PAYMENT_RETURN_URL": "https://shop/paid",
        "PUBLIC_SHOP_URL": "https://shop",
        "PUBLIC_API_URL": "https://api",
        "ID_KEY": "x" * 32,
        "GUEST_KEY": "x" * 32,
        "TICKET_KEY": "x" * 32,
    }
    ours = {name: value for name, value in (settings | kinds).items() if not name.endswith(("_FILE", "_FOLDER"))}
    aws = dict.fromkeys(("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "x")
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    return {**ours, **aws, **nobody, "PATH": os.environ["PATH"], "_HANDLER": f"app.{function}"}


def unpack(package: Path, directory: Path) -> None:
    """Unpack the package into the folders of a container; the SDK is this machine's."""
    for zipped, place in (
        ("deployment.zip", CODE),
        ("layer-deployment.zip", "dependencies"),
        *((file_of(layer), layer) for layer in LAYERS),
    ):
        with ZipFile(package / zipped) as archive:
            archive.extractall(directory / place)
    (directory / SDK).mkdir()
    for name in AWS_SDK:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        source = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        (directory / SDK / source.name).symlink_to(source)
