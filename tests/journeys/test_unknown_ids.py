"""An operator who mistypes an id is told so, and nothing happens."""

import io
from uuid import uuid4

import pytest

from chalicelib import composition
from chalicelib.platform.caller import person_id
from tests.journeys.shop import Shop

pytestmark = pytest.mark.needs_the_stack


@pytest.mark.parametrize(
    "command",
    [
        ["history", "{id}"],
        ["explain", "{id}"],
        ["verify", "--chain", "--stream", "{id}"],
        ["redrive", "--stream", "{id}"],
        ["grant", "somebody", "door"],
        ["revoke", "{id}", "door"],
        ["erase", "{id}", "--yes"],
        ["erase", "somebody", "--yes"],
    ],
    ids=" ".join,
)
def test_an_unknown_id_ends_with_status_1_and_a_reason(
    shop: Shop, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    assert shop.stack
    unknown = str(uuid4())
    assert main([word.format(id=unknown) for word in command]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.strip().startswith("not_found: ")  # after what is left of a progress bar
    for subject in (unknown, "somebody"):
        assert composition.current().event_store.read(person_id(subject)) == []


@pytest.mark.parametrize("answer", ["", "no\n", "y\n"])
def test_nobody_is_erased_without_a_yes(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    assert shop.stack
    person = uuid4()
    composition.current().vault.digest(person, "makes a key")
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main(["erase", str(person)]) == 1
    assert "unreadable everywhere" in capsys.readouterr().err
    assert composition.current().vault.knows(person)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert main(["erase", str(person)]) == 0
    assert not composition.current().vault.knows(person)
    assert main(["erase", str(person), "--yes", "--again"]) == 0


def test_somebody_with_a_text_for_a_subject_who_has_been_here_gets_a_role(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    assert shop.stack
    subject = f"usher-{uuid4()}"
    composition.current().vault.digest(person_id(subject), "makes a key")
    assert main(["grant", subject, "door"]) == 0
    assert main(["revoke", subject, "door"]) == 0
