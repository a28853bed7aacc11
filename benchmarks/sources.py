"""Reads the structure of the source: packages, imports, docstrings, comments, classes of failures, test files."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "chalicelib"
PLATFORM, SHOP = f"{PACKAGE}.platform", f"{PACKAGE}.shop"

FRAGMENTS = {
    "About",
    "As",
    "Behind",
    "By",
    "For",
    "From",
    "How",
    "In",
    "Inside",
    "None",
    "Of",
    "Once",
    "Per",
    "Since",
    "Those",
    "To",
    "Under",
    "Unless",
    "Up",
    "What",
    "When",
    "Where",
    "Whether",
    "Who",
    "Why",
    "With",
    "Without",
}
"""Sentences that begin with these words lean on the name above them: `Whether …`, `Of …`, `None for …`."""

TRANSIENT = "Unavailable"
"""This error says that a failure may pass by itself."""

Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Source:
    """Is one module of the project."""

    path: Path
    name: str

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def package(self) -> str:
        """Return the package from which its relative imports start."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def sources(package: str = PACKAGE, root: Path = ROOT) -> list[Source]:
    """Find every module of a package."""
    paths = sorted((root / package).rglob("*.py"))
    return [Source(path, _dotted(path.relative_to(root))) for path in paths]


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# --- packages and imports -------------------------------------------------------------------------------------------


def imports(modules: Iterable[Source]) -> dict[str, frozenset[str]]:
    """Map each module to those that it imports when it runs. Imports for types only are left out."""
    found = list(modules)
    known = {module.name for module in found}
    return {module.name: frozenset(_imported(module, known)) - {module.name} for module in found}


def _imported(module: Source, known: set[str]) -> Iterator[str]:
    for node in _running(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield from (name for name in ([full] if full in known else [base]) if name in known)


def _base(module: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield node
            yield from _running(node)


def among_packages(graph: Graph, package: str = PACKAGE) -> dict[str, frozenset[str]]:
    """Map the packages and modules directly in `package` to those among them that they import."""
    arrows: dict[str, set[str]] = {}
    for name, imported in graph.items():
        if (top := _directly_in(name, package)) is not None:
            arrows.setdefault(top, set()).update(found for one in imported if (found := _directly_in(one, package)))
    return {top: frozenset(others - {top}) for top, others in sorted(arrows.items())}


def _directly_in(name: str, package: str) -> str | None:
    inside = name.removeprefix(f"{package}.")
    return None if inside == name else inside.partition(".")[0]


def cycles(graph: Graph) -> list[list[str]]:
    """List the strongly connected components with more than one member, the largest first."""
    reached = {name: _reached(graph, name) for name in graph}
    components = {frozenset(other for other in reached[name] if name in reached[other]) for name in graph}
    return sorted((sorted(one) for one in components if len(one) > 1), key=lambda one: (-len(one), one))


def _reached(graph: Graph, start: str) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        new = graph.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting += new
    return found


def arrows_on_cycles(graph: Graph) -> list[tuple[str, str]]:
    """List the arrows that lead back to where they come from: no picture could have all of them point down."""
    together = [set(component) for component in cycles(graph)]
    return sorted((a, b) for a, others in graph.items() for b in others if any({a, b} <= one for one in together))


def arrows_up(graph: Graph, below: str = PLATFORM, above: str = SHOP) -> list[tuple[str, str]]:
    """List the platform's imports of the shop."""
    return sorted((a, b) for a, others in graph.items() for b in others if _is_in(a, below) and _is_in(b, above))


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


# --- sentences, comments, failures, tests ----------------------------------------------------------------------------


def docstrings(modules: Iterable[Source]) -> list[str]:
    """List the docstrings of functions and methods."""
    found = [ast.get_docstring(function) for module in modules for function in module.functions]
    return [text for text in found if text]


def is_fragment(docstring: str) -> bool:
    """Tell whether the docstring begins with a word that makes no sentence."""
    first = re.match(r"\w+", docstring)
    return first is not None and first[0] in FRAGMENTS


def comment_lines(module: Source) -> int:
    """Count the lines with a comment on them."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return len({token.start[0] for token in tokens if token.type == tokenize.COMMENT})


def docstring_lines(module: Source) -> int:
    """Count the lines of docstrings of modules, classes and functions, and of texts below a name."""
    texts = [
        node.value
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return sum((text.end_lineno or text.lineno) - text.lineno + 1 for text in texts)


def source_lines(module: Source) -> int:
    """Count the lines that are not blank."""
    return sum(bool(line.strip()) for line in module.text.splitlines())


def classifications(modules: Iterable[Source]) -> list[str]:
    """List the definitions of transient failures: context managers that turn a driver's errors into `Unavailable`."""
    return [
        f"{module.name}.{function.name}"
        for module in modules
        for function in module.functions
        if _is_context_manager(function) and _turns_errors(function)
    ]


def turned_elsewhere(modules: Iterable[Source]) -> list[str]:
    """List the other functions that turn errors into `Unavailable` on their own."""
    return [
        f"{module.name}.{function.name}"
        for module in modules
        for function in module.functions
        if not _is_context_manager(function) and _turns_errors(function)
    ]


def _is_context_manager(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("contextmanager" in ast.dump(decorator) for decorator in function.decorator_list)


def _turns_errors(function: ast.AST) -> bool:
    handlers = [node for node in ast.walk(function) if isinstance(node, ast.ExceptHandler)]
    return any(_raises_transient(node) for handler in handlers for node in ast.walk(handler))


def _raises_transient(node: ast.AST) -> bool:
    if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
        return False
    name = node.exc.func
    return (name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")) == TRANSIENT


def longest(modules: Iterable[Source]) -> tuple[str, int]:
    """Return the module with the most lines, and their number."""
    lines = {one.name: len(one.text.splitlines()) for one in modules}
    name = max(lines, key=lambda name: lines[name])
    return name, lines[name]
