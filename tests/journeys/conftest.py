"""Against an address, only the journeys that need nothing but HTTP are taken."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--api-url"):
        return
    left_out = [item for item in items if item.get_closest_marker("needs_the_stack")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if url := config.getoption("--api-url"):
        left_out = len(terminalreporter.stats.get("deselected", []))
        terminalreporter.write_line(f"{left_out} journeys reach behind the API and cannot judge {url}: left out")
