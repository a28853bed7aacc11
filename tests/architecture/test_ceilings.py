"""Every route has a ceiling, and the page with the numbers has all of them."""

from pathlib import Path

from chalicelib import contexts
from chalicelib.platform.eventsourcing.budget import WITH_TOKEN, WITHOUT_TOKEN
from chalicelib.shop.ceilings import CEILINGS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_every_route_has_a_ceiling_for_whoever_may_call_it() -> None:
    declared = {
        (f"{route.method} {route.path}", route.role) for routes in contexts.routes() for route in routes.declared
    }
    assert declared <= CEILINGS.keys()
    assert {route for route, _ in CEILINGS} == {route for route, _ in declared}


def test_a_read_is_within_the_budget_of_its_caller() -> None:
    reads = {key: ceiling for key, ceiling in CEILINGS.items() if key[0].startswith("GET ")}
    assert all(ceiling.log_reads <= (WITH_TOKEN if role else WITHOUT_TOKEN) for (_, role), ceiling in reads.items())
    assert all(ceiling.log_reads <= WITHOUT_TOKEN for (_, role), ceiling in CEILINGS.items() if role is None)


def test_the_page_with_the_numbers_has_every_ceiling() -> None:
    rows = [
        f"| `{route}` | {role or 'nobody'} | {' | '.join(f'{number:,}' for number in ceiling)} |"
        for (route, role), ceiling in CEILINGS.items()
    ]
    assert "\n".join(rows) in PAGE.read_text(encoding="utf-8")
