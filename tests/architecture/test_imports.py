"""The rules of the structure, held against the imports of every module."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chalicelib"
PLATFORM, SHOP = PACKAGE / "platform", PACKAGE / "shop"
CONTEXTS = {path.name for path in SHOP.iterdir() if (path / "__init__.py").is_file()}
PURE = {"venue.py", "concert.py", "ticket_pool.py", "cart.py", "order.py", "account.py", "pool_sizing.py", "events.py"}
PURE |= {"doors.py", "ticket.py", "refund.py", "rules.py", "allowance.py"}
SHARED = {"caller", "errors", "eventsourcing", "ids", "money", "privacy"}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def imports_of(path: Path) -> Iterator[str]:
    """Every imported name as `package.module`, wherever in the file; those for type checking only are left out."""
    tree = ast.parse(path.read_text())
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    yield from _imports(node for node in ast.walk(tree) if node not in for_types)


def all_imports_of(path: Path) -> Iterator[str]:
    """Every imported name, also those for type checking."""
    yield from _imports(ast.walk(ast.parse(path.read_text())))


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers_of(library: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in modules()
        if any(name.split(".")[0] == library for name in imports_of(path))
    }


ADAPTERS_OF_AWS = {
    "chalicelib/composition.py",
    "chalicelib/platform/aws/",
    "chalicelib/platform/eventsourcing/stores/dynamodb/",
}


def test_only_the_adapters_of_aws_know_its_sdk() -> None:
    knowing = importers_of("boto3") | importers_of("botocore")
    assert not [path for path in knowing if not path.startswith(tuple(ADAPTERS_OF_AWS))]


def test_only_the_adapters_projections_and_queries_of_postgres_know_its_driver() -> None:
    for path in importers_of("psycopg") | importers_of("psycopg_pool"):
        assert "readmodels/postgres/" in path or Path(path).name in {"projections.py", "queries.py"}, path


def test_only_the_adapters_projections_and_queries_of_redis_know_its_client() -> None:
    for path in importers_of("redis"):
        assert "readmodels/redis/" in path or Path(path).name in {"projections.py", "queries.py"}, path


def test_only_its_adapter_knows_the_library_of_stripe() -> None:
    adapter = {f"chalicelib/shop/orders/payments/{name}.py" for name in ("stripe", "stripe_pace")}
    assert importers_of("stripe") == adapter


def test_only_one_module_knows_the_library_that_writes_parquet() -> None:
    assert importers_of("duckdb") == {"chalicelib/platform/archive/parquet.py"}


def test_only_http_and_the_routes_know_chalice() -> None:
    for path in importers_of("chalice"):
        assert Path(path).parent.name == "http" or Path(path).name == "api.py", path


# The arrows. A room may import those below it on the list, and none above.

ROOMS = ("app", "functions", "composition", "contexts", "settings", "shop", "platform")
"""The wiring, and the two shelves below it. `composition` reads one name of `functions`, and `functions` no wiring."""

FLOORS = (
    {"archive", "http", "integrity", "processes"},
    {"ownership", "services", "readmodels"},
    {"bus"},
    {"caller", "invocation", "manifest", "money", "privacy"},
    {"function", "logs"},
    {"counters", "eventsourcing"},
    {"aws"},
    {"breaker", "failures", "mail"},
    {"brief_cache", "clock", "errors", "ids", "metrics", "models", "search"},
)
"""The platform from the top floor down."""


def place_of(name: str) -> tuple[str, ...]:
    """`chalicelib.platform.bus.consumer.Consumer` lies at `("platform", "bus")`."""
    parts = name.split(".")
    return tuple(parts[1:3]) if parts[1] in {"platform", "shop"} else (parts[1],)


def arrows(below: Path) -> Iterator[tuple[Path, str]]:
    """Every import of ours, also those for type checking."""
    for path in modules():
        if path.is_relative_to(below):
            for name in all_imports_of(path):
                if name.startswith("chalicelib."):
                    yield path, name


def test_the_platform_knows_nothing_of_the_shop_or_its_wiring() -> None:
    up = [f"{path.name} imports {name}" for path, name in arrows(PLATFORM) if place_of(name)[0] != "platform"]
    assert up == []


def test_the_shop_knows_nothing_of_its_wiring() -> None:
    up = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, name in arrows(SHOP)
        if place_of(name)[0] not in {"platform", "shop"}
    ]
    assert up == []


def test_no_arrow_of_the_platform_runs_back_up() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    rooms = {path.relative_to(PLATFORM).with_suffix("").parts[0] for path in modules() if path.is_relative_to(PLATFORM)}
    assert rooms == floor.keys()
    up = []
    for path, name in arrows(PLATFORM):
        here, there = path.relative_to(PLATFORM).with_suffix("").parts[0], place_of(name)[1]
        if here != there and floor[there] <= floor[here]:
            up.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert up == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules()}
    graph = {
        name: {found for wanted in imports_of(path) for found in (wanted, wanted.rpartition(".")[0]) if found in names}
        for name, path in names.items()
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name] - {name}):
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_there_are_few_rooms_beside_the_two_shelves() -> None:
    rooms = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in modules()}
    assert rooms == {*ROOMS} - {"app"}


def context_of(path: Path) -> str:
    return path.relative_to(SHOP).parts[0]


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if path.is_relative_to(SHOP)],
    ids=lambda path: str(path.relative_to(SHOP)),
)
def test_contexts_reach_each_other_through_events_and_commands_only(path: Path) -> None:
    for name in all_imports_of(path):
        parts = name.split(".")
        if parts[:2] == ["chalicelib", "shop"] and parts[2] in CONTEXTS - {context_of(path)}:
            assert parts[3] in {"events", "commands"}, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", [path for path in modules() if path.name in PURE], ids=lambda path: path.name)
def test_aggregates_know_no_clock_no_chance_and_no_server(path: Path) -> None:
    for name in imports_of(path):
        assert name.split(".")[0] not in {"random", "time", "os", "boto3", "psycopg", "redis", "chalice"}, name
        assert name not in {"uuid.uuid4", "uuid.uuid1"}, name
        if name.startswith("chalicelib.platform."):
            assert name.split(".")[2] in SHARED, name
        elif name.startswith("chalicelib."):
            assert name.startswith("chalicelib.shop."), name
    assert ".now(" not in path.read_text()
    assert "utcnow" not in path.read_text()


def test_what_is_not_shipped_is_not_imported_by_what_is() -> None:
    for path in [*modules(), ROOT / "app.py"]:
        shipped = {name.split(".")[0] for name in imports_of(path)}
        assert not shipped & {"local", "ops", "infra", "tests", "benchmarks", "simulator", "httpx", "rich"}, path
