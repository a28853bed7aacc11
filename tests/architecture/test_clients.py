"""What the clients are made with is pinned without addresses, and their pages show what the tests run."""

import json
import re
from pathlib import Path

import pytest

from local.checkout import PROJECT

TYPESCRIPT = PROJECT / "clients" / "typescript"
PAGE = PROJECT / "docs" / "clients.md"


def examples(page: Path) -> list[str]:
    return re.findall(r"```(?:python|ts)\n.*?```", page.read_text(), re.DOTALL)


def test_the_lock_file_has_a_hash_of_every_package_and_no_address_of_one() -> None:
    packages = json.loads((TYPESCRIPT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert "integrity" in package or name == "", name


def test_what_generates_the_typescript_client_is_pinned_to_one_version() -> None:
    for version in json.loads((TYPESCRIPT / "package.json").read_text())["devDependencies"].values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("readme", ["clients/python/templates/README.md.jinja", "clients/typescript/package/README.md"])
def test_the_page_of_a_client_has_the_examples_that_docs_clients_md_has(readme: str) -> None:
    shown = examples(PROJECT / readme)
    assert len(shown) == 2
    assert [example for example in shown if example not in examples(PAGE)] == []
