"""Reads e-mail addresses in requests."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _email(text: str) -> str:
    if not text.isprintable() or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text):
        raise ValueError("must be an e-mail address")
    return text


EmailAddress = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
