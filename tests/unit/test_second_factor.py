"""Staff signs in with a second factor where the stage wants one."""

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode_str  # type: ignore[import-untyped]

from chalicelib.platform.caller import Role
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.http.auth import FileKeys, TokenVerifier
from chalicelib.platform.http.authorizer import authorize, may_be_staff
from chalicelib.shop.access.commands import disable_account, grant_role
from infra.deploy import FOUNDATION
from infra.people import code_at
from local.issuer import Issuer
from tests.support.request_scenario import GivenStreams
from tests.support.shop import CUSTOMER, OPERATOR, Shop

STAFF = ("organiser", "door", "operator")


def issuer_and_verifier(directory: Path, *, required: bool) -> tuple[Issuer, TokenVerifier]:
    issuer = Issuer.in_directory(directory)
    return issuer, TokenVerifier(FileKeys(issuer.jwks_file), issuer.issuer, issuer.audience, required)


@pytest.mark.parametrize("role", STAFF)
@pytest.mark.parametrize("claim", [None, "false", True, "yes"], ids=["none", "false", "no text", "other text"])
def test_a_token_without_a_second_factor_has_no_role_of_staff(tmp_path: Path, role: str, claim: Any) -> None:
    issuer, verifier = issuer_and_verifier(tmp_path, required=True)
    found = verifier.verify(f"Bearer {issuer.token(role, mfa=claim)}")
    assert found.actor.roles == {Role.CUSTOMER}
    assert not found.may_be_staff


@pytest.mark.parametrize("role", STAFF)
def test_a_token_with_a_second_factor_and_a_stage_that_wants_none_keep_the_role(tmp_path: Path, role: str) -> None:
    for required, claims in ((True, {"mfa": "true"}), (False, {})):
        issuer, verifier = issuer_and_verifier(tmp_path, required=required)
        found = verifier.verify(f"Bearer {issuer.token(role, **claims)}")
        assert len(found.actor.roles - {Role.CUSTOMER}) == 1
        assert found.may_be_staff


@pytest.mark.parametrize("claims", [{}, {"mfa": "true"}], ids=["without", "with"])
def test_the_authorizer_passes_on_what_the_token_says(tmp_path: Path, claims: dict[str, str]) -> None:
    issuer, verifier = issuer_and_verifier(tmp_path, required=True)
    passed = authorize(f"Bearer {issuer.token('organiser', **claims)}", verifier, lambda _: None).context
    assert may_be_staff({"authorizer": passed}) is bool(claims)


def test_nobody_whom_the_authorizer_did_not_see_is_staff() -> None:
    assert not any(may_be_staff(context) for context in ({}, {"authorizer": None}, {"authorizer": {"person": "x"}}))


class Cognito:
    def __init__(self, factors: list[str] | None) -> None:
        self.factors = factors

    def admin_get_user(self, **_: str) -> dict[str, Any]:
        if self.factors is None:
            raise RuntimeError("too many requests")
        return {"UserMFASettingList": self.factors} if self.factors else {}


@pytest.mark.parametrize(
    ("factors", "claim"),
    [(["SOFTWARE_TOKEN_MFA"], "true"), ([], "false"), (None, "false")],
    ids=["has", "none", "away"],
)
def test_cognito_has_the_claim_added_for_users_with_a_second_factor(factors: list[str] | None, claim: str) -> None:
    template, _ = decode_str(FOUNDATION.read_text())
    code = template["Resources"]["TokenClaims"]["Properties"]["Code"]["ZipFile"]
    functions: dict[str, Any] = {}
    exec(code.replace("import boto3", "").replace('boto3.client("cognito-idp")', "None"), functions)  # noqa: S102 - ours
    functions["cognito"] = Cognito(factors)
    event = {"userPoolId": "pool", "userName": "somebody", "response": {}}
    answer = functions["add_claims"](event, None)
    assert answer["response"] == {"claimsOverrideDetails": {"claimsToAddOrOverride": {"mfa": claim}}}


@pytest.mark.parametrize(("now", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(now: int, code: str) -> None:
    assert code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now) == code


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/venues", {}),
        ("GET", f"/streams/{CUSTOMER.id}/events", None),
        ("POST", f"/accounts/{CUSTOMER.id}/enable", None),
        ("POST", f"/concerts/{CUSTOMER.id}/door-staff", {}),
        (
            "POST",
            f"/concerts/{CUSTOMER.id}/check-ins",
            {"code": "A CODE", "nonce": str(CUSTOMER.id), "gate": "North"},
        ),
    ],
)
def test_no_route_of_staff_serves_who_has_no_second_factor_also_not_by_a_role_granted_here(
    method: str, path: str, body: dict[str, str] | None
) -> None:
    log = MemoryEventStore()
    shop = Shop(log)
    for role in (Role.ORGANISER, Role.OPERATOR):
        grant_role(shop.repository, shop.request(OPERATOR).origin, CUSTOMER.id, role)
    streams = GivenStreams(shop, log, may_be_staff=False)
    streams.when(CUSTOMER, method, path, body).then_refuses(403, "second_factor_needed")


@pytest.mark.parametrize("path", ["/carts/5e77e4d0-0000-4000-8000-000000000001", "/orders"])
def test_no_route_serves_whose_account_is_disabled(path: str) -> None:
    log = MemoryEventStore()
    shop = Shop(log)
    disable_account(shop.repository, shop.request(OPERATOR), CUSTOMER.id, "a lost phone")
    streams = GivenStreams(shop, log)
    streams.when(CUSTOMER, "GET", path).then_refuses(401, "account_disabled")
    streams.when(CUSTOMER, "POST", "/carts").then_refuses(401, "account_disabled")
