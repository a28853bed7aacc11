"""The words on paper, a module for each language."""

from types import ModuleType

from chalicelib.shop.orders.paper.texts import en, nl

LANGUAGES: dict[str, ModuleType] = {"en": en, "nl": nl}
"""The languages that tickets are printed in, the first one where nobody says which."""
