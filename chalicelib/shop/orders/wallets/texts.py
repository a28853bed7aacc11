"""Holds the words on passes by language, and makes foreign texts safe to stand between them."""

import re
import unicodedata
from collections.abc import Mapping

LANGUAGES = ("en", "nl")
"""A phone shows the first one unless its owner reads another of them; it finds the others by it."""

LABELS: Mapping[str, tuple[str, str]] = {
    "starts": ("Starts", "Begint"),
    "venue": ("Venue", "Locatie"),
    "type": ("Ticket", "Ticket"),
    "holder": ("Name", "Naam"),
    "address": ("Address", "Adres"),
    "number": ("Ticket number", "Ticketnummer"),
    "note": ("Please note", "Let op"),
}
"""What stands above each field, in the order of `LANGUAGES`."""

LINES: Mapping[str, tuple[str, str]] = {
    "postponed": ("New date to follow", "Nieuwe datum volgt"),
    "fixed": (
        "This pass does not change by itself: add it again if the concert is moved, or if you ask for a new code. "
        "Whoever shows the code is let in, once.",
        "Deze pas verandert niet vanzelf: voeg hem opnieuw toe als het concert wordt verplaatst of als je een nieuwe "
        "code aanvraagt. Wie de code laat zien, mag één keer naar binnen.",
    ),
}
"""What stands in a field of its own, in the order of `LANGUAGES`."""

DESCRIPTION = ("Ticket for {}", "Ticket voor {}")
"""What a screen reader says of the pass."""

_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}


def shown(text: str, most: int = 200) -> str:
    """Return the text on one line, without controls and what reorders its neighbours, cut after so many characters.

    Requests are checked for these; names in an imported log are not.
    """
    spaced = "".join(" " if unicodedata.category(one) in _UNSHOWN else one for one in _REORDERING.sub("", text))
    line = " ".join(spaced.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
