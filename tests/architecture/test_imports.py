"""The rules of the structure, held against the imports of every module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chalicelib"
CONTEXTS = {"venues", "concerts", "inventory", "carts", "orders", "access"}
PURE = {"venue.py", "concert.py", "ticket_pool.py", "cart.py", "order.py", "account.py", "dealing.py", "events.py"}
PURE |= {"ticket.py", "refund.py"}
SHARED = {"caller", "errors", "eventsourcing", "money", "privacy"}


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
    for node in ast.walk(tree):
        if node in for_types:
            continue
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


def test_only_the_adapters_of_aws_know_its_sdk() -> None:
    allowed = {"dynamodb.py", "dynamodb_snapshots.py", "dynamodb_parking.py", "documents.py", "forwarder.py"}
    allowed |= {"dynamodb_puts.py", "dynamodb_partiql.py", "dynamodb_requests.py"}
    allowed |= {"sqs.py", "kms.py", "s3.py", "composition.py", "versioned_items.py"}
    knowing = importers_of("boto3") | importers_of("botocore")
    assert {Path(path).name for path in knowing} <= allowed


def test_only_the_adapters_projections_and_queries_of_postgres_know_its_driver() -> None:
    knowing = importers_of("psycopg") | importers_of("psycopg_pool")
    assert {Path(path).name for path in knowing} <= {"postgres.py", "migrate.py", "projections.py", "queries.py"}


def test_only_the_adapters_projections_and_queries_of_redis_know_its_client() -> None:
    assert {Path(path).name for path in importers_of("redis")} <= {"redis.py", "projections.py", "queries.py"}


def test_only_its_adapter_knows_the_library_of_stripe() -> None:
    assert importers_of("stripe") == {"chalicelib/orders/stripe.py"}


def test_only_one_module_knows_the_library_that_writes_parquet() -> None:
    assert importers_of("duckdb") == {"chalicelib/archive/parquet.py"}


def test_only_http_and_the_routes_know_chalice() -> None:
    for path in importers_of("chalice"):
        assert Path(path).parent.name == "http" or Path(path).name == "api.py", path


def context_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if context_of(path) in CONTEXTS],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_contexts_reach_each_other_through_events_and_commands_only(path: Path) -> None:
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "chalicelib" and parts[1] in CONTEXTS - {context_of(path)}:
            assert parts[2] in {"events", "commands"}, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", [path for path in modules() if path.name in PURE], ids=lambda path: path.name)
def test_aggregates_know_no_clock_no_chance_and_no_server(path: Path) -> None:
    for name in imports_of(path):
        assert name.split(".")[0] not in {"random", "time", "os", "boto3", "psycopg", "redis", "chalice"}, name
        assert name not in {"uuid.uuid4", "uuid.uuid1"}, name
        if name.startswith("chalicelib."):
            assert name.split(".")[1] in SHARED | CONTEXTS, name
    assert ".now(" not in path.read_text()
    assert "utcnow" not in path.read_text()


def test_what_is_not_shipped_is_not_imported_by_what_is() -> None:
    for path in [*modules(), ROOT / "app.py"]:
        shipped = {name.split(".")[0] for name in imports_of(path)}
        assert not shipped & {"local", "ops", "infra", "tests", "benchmarks", "httpx", "rich"}, path
