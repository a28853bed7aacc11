"""Checks e-mail addresses by their syntax: nobody is asked whether a domain exists."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints


def _email(text: str) -> str:
    """Return the address as it is written to, with its domain in lower case.

    Raises ValueError with a reason.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - only a checkout needs it

    try:
        return validate_email(text, check_deliverability=False, strict=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"must be an e-mail address: {error}") from None


EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]
"""An address; blanks around it are left out."""
