"""What is generated is current, and what is linked exists."""

import re
import shlex
from pathlib import Path

import pytest

from ops.__main__ import parser
from ops.catalogue import PAGE, render

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_event_catalogue_is_the_codes() -> None:
    assert PAGE.read_text() == render()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


OF_OURS = re.compile(r"(\S*)python -m (ops|benchmarks|infra|local|pytest)\b")
OPERATORS = re.compile(r"\.venv/bin/python -m ops ([^`\n]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_of_ours_is_written_so_that_it_works_as_typed(page: Path) -> None:
    for before, module in OF_OURS.findall(page.read_text()):
        assert before.endswith(".venv/bin/"), f"python -m {module}"


def test_every_operators_command_of_the_pages_is_one_with_its_options() -> None:
    [action] = [action for action in parser()._actions if action.metavar == "COMMAND"]  # noqa: SLF001 - it has no getter
    known = dict(action.choices or {})
    typed = [command for page in PAGES for command in OPERATORS.findall(page.read_text())]
    assert typed
    for command, *words in map(shlex.split, typed):
        if command not in {"COMMAND", "--help"}:
            options = {word for word in words if word.startswith("--")}
            assert options <= known[command]._option_string_actions.keys(), command  # noqa: SLF001 - the same
