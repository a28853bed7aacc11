"""Against an address, only the journeys that need nothing but HTTP are taken."""

import pytest

LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--api-url"):
        return
    left_out = [item for item in items if item.get_closest_marker("needs_the_stack")]
    config.stash[LEFT_OUT] = len(left_out)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash.get(LEFT_OUT, 0):
        address = config.getoption("--api-url")
        terminalreporter.write_line(f"{left_out} journeys reach behind the API and cannot judge {address}: left out")
