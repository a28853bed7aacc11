"""The tests stay readable: no file is long, and a fixture's name means one thing everywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
LONGEST = 500


def files() -> list[Path]:
    return sorted(TESTS.rglob("*.py"))


def lines_of(text: str) -> int:
    return text.count("\n")


def too_long(texts: dict[str, str]) -> list[str]:
    return [name for name, text in texts.items() if lines_of(text) > LONGEST]


def test_no_file_of_tests_is_longer_than_500_lines() -> None:
    assert too_long({str(path.relative_to(ROOT)): path.read_text() for path in files()}) == []


def test_a_file_that_is_too_long_is_found() -> None:
    assert too_long({"long.py": "x\n" * (LONGEST + 1), "short.py": "x\n" * LONGEST}) == ["long.py"]


def is_fixture(node: ast.AST) -> bool:
    return any(
        ast.unparse(decorator).split("(")[0] in {"pytest.fixture", "fixture"}
        for decorator in getattr(node, "decorator_list", [])
    )


def origins(module: str, tree: ast.Module) -> dict[str, str]:
    """Where each name of a module comes from: another module, or itself."""
    found = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


class _Named(ast.NodeTransformer):
    """Names every type with its module, so that two classes of one name differ."""

    def __init__(self, origins: dict[str, str]) -> None:
        self._origins = origins

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._origins.get(node.id, node.id))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        quoted: ast.AST = self.visit(ast.parse(node.value, mode="eval").body)
        return quoted


def meanings(module: str, text: str) -> Iterator[tuple[str, str]]:
    """Each fixture of a module, and what it gives as its return annotation says."""
    tree = ast.parse(text)
    types = origins(module, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and is_fixture(node):
            assert node.returns, f"{module}.{node.name} does not say what it gives"
            yield node.name, ast.unparse(_Named(types).visit(node.returns))


def ambiguous(texts: dict[str, str]) -> dict[str, set[str]]:
    """The fixtures of one name that give different things."""
    found: dict[str, set[str]] = {}
    for module, text in texts.items():
        for name, meaning in meanings(module, text):
            found.setdefault(name, set()).add(meaning)
    return {name: given for name, given in found.items() if len(given) > 1}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_a_name_of_a_fixture_has_one_meaning() -> None:
    assert ambiguous({module_of(path): path.read_text() for path in files()}) == {}


def test_two_fixtures_of_one_name_that_give_different_things_are_found() -> None:
    def fixture(of: str, annotation: str = "Shop") -> str:
        return f"from {of} import Shop\n\n@pytest.fixture(scope='session')\ndef shop() -> {annotation}: ...\n"

    assert ambiguous({"a": fixture("memory"), "b": fixture("memory", "'Shop'")}) == {}
    assert ambiguous({"a": fixture("memory"), "b": fixture("http")}) == {"shop": {"memory.Shop", "http.Shop"}}
