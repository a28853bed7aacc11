"""Measures how the source hangs together, the same way whatever its folders are: `python -m benchmarks.structure`.

Nothing is timed and no server is started: the numbers are the same on every machine.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks import hops, sources
from benchmarks.report import Record
from benchmarks.sources import among_packages


def measure() -> Record:
    """Return all measures by name."""
    modules, tests = sources.sources(), sources.sources("tests")
    graph = sources.imports(modules)
    packages = among_packages(graph)
    sentences = sources.docstrings(modules)
    fragments = [text for text in sentences if sources.is_fragment(text)]
    lines, comments = sum(map(sources.source_lines, modules)), sum(map(sources.comment_lines, modules))
    documented = sum(map(sources.docstring_lines, modules))
    test_file, test_lines = sources.longest(tests)
    return {
        "packages": len(packages),
        "package_names": list(packages),
        "imports_between_packages": sum(map(len, packages.values())),
        "imports_on_cycles_of_packages": len(sources.arrows_on_cycles(packages)),
        "cycles_of_packages": sources.cycles(packages),
        "cycles_inside_shelves": [
            cycle
            for shelf in (sources.PLATFORM, sources.SHOP)
            for cycle in sources.cycles(among_packages(graph, shelf))
        ],
        "cycles_of_modules": sources.cycles(graph),
        "imports_of_the_shop_by_the_platform": [" -> ".join(arrow) for arrow in sources.arrows_up(graph)],
        "changes_of_file": {name: trace.hops for name, trace in hops.measure().items()},
        "function_docstrings": len(sentences),
        "fragments_among_them": len(fragments),
        "fragments_percent": _percent(len(fragments), len(sentences)),
        "definitions_of_transient": sources.classifications(modules),
        "transient_elsewhere": sources.turned_elsewhere(modules),
        "longest_test_file": test_file,
        "longest_test_file_lines": test_lines,
        "source_lines": lines,
        "comment_lines": comments,
        "comments_percent": _percent(comments, lines),
        "docstring_lines": documented,
        "docstrings_percent": _percent(documented, lines),
    }


def _percent(part: int, total: int) -> float:
    return round(100 * part / total, 1) if total else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.structure", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    measures = measure()
    if options.json:
        json.dump(measures, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return 0
    console = Console(highlight=False, soft_wrap=True)
    for name, value in measures.items():
        console.print(f"{name.replace('_', ' '):<38}{_text(value)}", markup=False)
    return 0


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{one} ({name})" for name, one in value.items())
    if isinstance(value, list):
        return f"{len(value)}: {'; '.join(map(_names, value))}" if value else "0"
    return str(value)


def _names(value: object) -> str:
    return f"[{len(value)}] {', '.join(value)}" if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(main())
