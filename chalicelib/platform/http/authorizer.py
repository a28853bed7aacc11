"""Connects the authorizer Lambda and the routes.

The authorizer allows every request and passes on who is calling, or why nobody is. Only so can an expired token be
answered with 401 and a problem document, on API Gateway and locally alike, because a denied policy is always answered
403. The routes refuse (`Call.actor`), and a route that declares a role never runs without a verified caller.

API Gateway goes by an answer for a while, by the token. So a disabled account is refused within that time, and the look
at the account costs one read in it, whichever containers serve the requests (ADR 56).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalice.app import AuthResponse

from chalicelib.platform.caller import Actor, KeyGrant, KeyScope
from chalicelib.platform.errors import TokenOfDisabledAccount, TokenOfErasedPerson, Unauthenticated
from chalicelib.platform.http.standing import account_of

if TYPE_CHECKING:
    from chalicelib.platform.http.auth import CredentialVerifier


def authorize(token: str, verifier: "CredentialVerifier", ensure_enabled: Callable[[UUID], None]) -> AuthResponse:
    """Verify the token and return a policy that allows the request, with the caller or the refusal in its context.

    `ensure_enabled` looks at the account and raises TokenOfDisabledAccount or TokenOfErasedPerson.
    Raises:
        Unavailable: the signing keys or an API key cannot be fetched. API Gateway then answers 500 and caches nothing.
    """
    try:
        credentials = verifier.verify(token)
        ensure_enabled(account_of(credentials.actor))
    except TokenOfDisabledAccount:
        return AuthResponse(routes=["*"], principal_id="nobody", context={"disabled": "true"})
    except TokenOfErasedPerson:
        return AuthResponse(routes=["*"], principal_id="nobody", context={"erased": "true"})
    except Unauthenticated as refusal:
        return AuthResponse(routes=["*"], principal_id="nobody", context={"refusal": refusal.detail})
    actor = credentials.actor
    context = {
        "person": str(actor.id),
        "groups": ",".join(sorted(actor.roles)),
        "expires_at": str(credentials.expires_at),
        "may_be_staff": "true" if credentials.may_be_staff else "false",
    }
    if credentials.order_id is not None:
        context["order"] = str(credentials.order_id)
    if actor.key is not None:
        context |= {"organiser": str(actor.key.organiser_id), "scopes": ",".join(sorted(actor.key.scopes))}
    return AuthResponse(routes=["*"], principal_id=str(actor.id), context=context)


def actor_of(context: dict[str, Any], now: datetime) -> Actor:
    """Return the caller whom the authorizer passed on in the request context.

    API Gateway caches the authorizer's answer for a while, so a token that has expired since is refused here.

    Raises:
        Unauthenticated: there is no verified caller, the person is disabled or erased, or the token has expired.
    """
    passed = context.get("authorizer") or {}
    if "disabled" in passed:
        raise TokenOfDisabledAccount
    if "erased" in passed:
        raise TokenOfErasedPerson
    if "person" not in passed:
        raise Unauthenticated(passed.get("refusal", "A token is needed."))
    if now.timestamp() >= int(passed["expires_at"]):
        raise Unauthenticated("The token has expired.")
    if "organiser" in passed:
        scopes = frozenset(KeyScope(scope) for scope in passed["scopes"].split(",") if scope in set(KeyScope))
        return Actor.of_key(UUID(passed["person"]), KeyGrant(UUID(passed["organiser"]), scopes))
    return Actor.of(passed["person"], passed["groups"].split(","))


def order_of(context: dict[str, Any]) -> UUID | None:
    """Return the order that the authorizer has found the caller confined to, or None."""
    order_id = (context.get("authorizer") or {}).get("order")
    return None if order_id is None else UUID(order_id)


def may_be_staff(context: dict[str, Any]) -> bool:
    """Tell whether the authorizer has found that the caller may have a role of staff."""
    return (context.get("authorizer") or {}).get("may_be_staff") == "true"
