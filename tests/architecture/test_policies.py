"""What every policy is allowed to look like."""

import json

import pytest

from tests.support.policies import CONFIG, ON_EVERY_RESOURCE, policy_files, statements_of, written_statements

JUSTIFIED = {
    "${HeadsBucket.Arn}/heads/*": "an object is named for its shard and its time; nothing else of the bucket is meant",
    "${HeadsBucket.Arn}/sold/*": "a register is named for its concert and its root, and nothing else is meant",
    "${ArchiveBucket.Arn}/events/*": "an object is named for its day and its place on the bus",
    "${EventBus.Arn}/consumer/*": "a registered reader's name ends with the time at which it was made",
    "${EventsTable.Arn}/stream/*": "a poller lists streams before it knows the label of one; listing tells names only",
}
"""Every wildcard in a resource, and why no name can stand there."""


@pytest.fixture(params=policy_files())
def function(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_every_function_has_a_policy_of_its_own_and_no_file_is_left_over() -> None:
    files = list(policy_files().values())
    assert sorted(files) == sorted((CONFIG.parent / "policies").iterdir())
    assert len(set(files)) == len(files)
    assert json.loads(CONFIG.read_text())["autogen_policy"] is False


def test_a_policy_allows_and_names_what_it_allows(function: str) -> None:
    assert json.loads(policy_files()[function].read_text()).keys() == {"Version", "Statement"}
    for statement in written_statements(function):
        if statement["Effect"] == "Deny":
            continue
        assert statement.keys() == {"Effect", "Action", "Resource"}, statement
        assert statement["Effect"] == "Allow"
        assert isinstance(statement["Action"], list)
        if statement["Resource"] == "*":
            assert frozenset(statement["Action"]) in ON_EVERY_RESOURCE, statement
        else:
            assert len(statement["Resource"]) == 1, "an intrinsic of one resource of the template"


def test_no_policy_has_a_wildcard_in_an_action(function: str) -> None:
    for statement in statements_of(function):
        for action in statement.actions:
            assert not set("*?") & set(action), action


def test_no_policy_has_a_wildcard_in_a_resource_without_a_reason(function: str) -> None:
    for statement in statements_of(function):
        if isinstance(statement.resource, dict) and set("*?") & set(statement.arn):
            assert statement.resource["Fn::Sub"] in JUSTIFIED, statement


def test_no_reason_is_given_for_a_wildcard_that_nobody_has() -> None:
    resources = [statement.resource for function in policy_files() for statement in statements_of(function)]
    assert JUSTIFIED.keys() <= {one.get("Fn::Sub") for one in resources if isinstance(one, dict)}
