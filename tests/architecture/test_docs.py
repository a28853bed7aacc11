"""Generated pages are current, links lead to a file and a heading, and the index of the ADRs is complete."""

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import contexts
from chalicelib.platform.eventsourcing.event import Event, event_classes
from ops.__main__ import parser
from ops.catalogue import PAGE, render

contexts.load_events()

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
SOURCES = ("chalicelib", "infra", "local", "ops")
OURS = [event for event in event_classes() if event.__module__.startswith("chalicelib.")]
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ADR = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\nStatus: (?P<status>accepted|superseded by \d+), (?P<date>[\d-]+)\.\n"
)


def test_the_event_catalogue_is_the_codes() -> None:
    assert PAGE.read_text() == render()


@pytest.mark.parametrize("event", OURS, ids=lambda event: event.__name__)
def test_an_event_says_in_one_short_sentence_what_it_records(event: type[Event]) -> None:
    sentence = re.split(r"[.;] |\.$|\n\n", inspect.cleandoc(event.__doc__ or ""), maxsplit=1)[0]
    assert sentence.startswith("Records that ")
    assert len(sentence.split()) <= 20


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in _links_in(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in _anchors_of(file), target


@pytest.mark.parametrize("adr", ADRS, ids=lambda adr: adr.name[:4])
def test_an_adr_has_a_status_and_a_file_named_for_its_title(adr: Path) -> None:
    facts = _facts_of(adr)
    assert adr.stem == f"{int(facts['number']):04}-{_anchor(facts['title'])}"


def test_every_adr_that_the_code_names_exists() -> None:
    sources = [file for folder in SOURCES for file in (ROOT / folder).rglob("*.py")]
    named = {name for file in sources for name in re.findall(r"docs/adr/[\w-]+\.md", file.read_text())}
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_index_of_the_adrs_is_complete() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    rows = [line for line in index.splitlines() if re.match(r"\| \d", line)]
    assert rows == [_index_row(adr) for adr in ADRS]


def _links_in(page: Path) -> Iterator[str]:
    text = CODE.sub("", page.read_text())
    return (target for target in LINK.findall(text) if "://" not in target)


def _anchors_of(page: Path) -> set[str]:
    return {_anchor(heading) for heading in HEADING.findall(CODE.sub("", page.read_text()))}


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _facts_of(adr: Path) -> dict[str, str]:
    found = ADR.match(adr.read_text())
    assert found, f"{adr.name} does not begin with a title and a status"
    return found.groupdict()


def _index_row(adr: Path) -> str:
    facts = _facts_of(adr)
    return f"| {facts['number']} | [{facts['title']}]({adr.name}) | {facts['status']} | {facts['date']} |"
