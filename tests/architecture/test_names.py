"""Names: one class has one, and no two share it."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "chalicelib"


def test_no_two_classes_have_one_name() -> None:
    """A reader who meets the name knows the class, without looking where it was imported from.

    What the routes of a context answer is named as clients know it, and a test of the document holds it to this rule.
    """
    places = defaultdict[str, list[str]](list)
    for path in sorted(set(PACKAGE.rglob("*.py")) - set(PACKAGE.glob("shop/*/answers.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
