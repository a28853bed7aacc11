"""Reads the header `Authorization`, for tokens and API keys alike."""

from chalicelib.platform.errors import Unauthenticated


def bearer_token(authorization: str) -> str:
    """Return the token of an `Authorization: Bearer …` header.

    Raises Unauthenticated.
    """
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send a token as 'Authorization: Bearer …'.")
    return token.strip()
