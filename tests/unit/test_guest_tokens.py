"""One verifier for guests and people with accounts: what each key may say, and what it may not."""

import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.platform.caller import Actor, Role, guest_id, is_guest
from chalicelib.platform.errors import Unauthenticated, Unavailable
from chalicelib.platform.http.auth import FileKeys, TokenVerifier, VerifierByIssuer
from chalicelib.platform.http.authorizer import authorize, may_be_staff, order_of
from chalicelib.platform.http.guest_tokens import (
    AUDIENCE,
    GUEST_ISSUER,
    MEMORY,
    PAUSE,
    GuestKey,
    GuestKeys,
    GuestTokens,
)
from local.issuer import Issuer
from tests.support.shop import CUSTOMER, GUEST, IDS, Clock

TWO_HOURS = timedelta(hours=2)
SECRET, OLD_SECRET, OTHER_SECRET = "the secret of the shop", "the secret before it", "somebody's own secret"
KEY, OTHER_KEY = GuestKey.of(SECRET), GuestKey.of(OTHER_SECRET)

Claims = dict[str, Any]


class Secrets:
    """Secrets in Secrets Manager, newest first, which counts how often it is asked, and may be away."""

    def __init__(self, *secrets: str) -> None:
        self.secrets = secrets
        self.asked = 0
        self.is_away = False

    def __call__(self) -> tuple[str, ...]:
        self.asked += 1
        if self.is_away:
            raise Unavailable("A secret cannot be read.")
        return self.secrets


def guest_tokens(*secrets: str, clock: Clock | None = None) -> GuestTokens:
    return GuestTokens(GuestKeys(Secrets(*secrets or (SECRET,)), clock or Clock()), TWO_HOURS)


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer.in_directory(tmp_path_factory.mktemp("issuer"))


def verifier(accounts: Issuer) -> VerifierByIssuer:
    """As the shop has it."""
    of_accounts = TokenVerifier(FileKeys(accounts.jwks_file), accounts.issuer, accounts.audience)
    return VerifierByIssuer({accounts.issuer: of_accounts, GUEST_ISSUER: guest_tokens()})


def claims_of_a_guest(**changes: Any) -> Claims:
    now = int(time.time())
    claims = {"iss": GUEST_ISSUER, "aud": AUDIENCE, "sub": str(GUEST.id), "iat": now, "exp": now + 3600, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: Claims, key: GuestKey = KEY, kid: Any = KEY.kid, **header: Any) -> str:
    return jwt.encode(claims, key.private, "EdDSA", headers={"kid": kid, **header})


def by_hand(header: Claims, claims: Claims, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """A token as an attacker makes it, whom no library stops."""
    text = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    return b".".join([text, urlsafe_b64encode(sign(text)).rstrip(b"=")]).decode()


def bearer(token: str) -> str:
    return f"Bearer {token}"


# --- what each key may say -------------------------------------------------------------------------------------------


def test_a_guests_token_names_the_guest_and_nothing_else(accounts: Issuer) -> None:
    token = guest_tokens().issue(GUEST.id)
    found = verifier(accounts).verify(bearer(token.token))
    assert (found.actor, found.may_be_staff, found.order_id) == (GUEST, False, None)
    assert found.actor.roles == {Role.CUSTOMER}
    assert found.expires_at == token.expires_at.timestamp()


def test_a_token_by_a_link_names_its_order(accounts: Issuer) -> None:
    order_id = uuid4()
    passed = authorize(bearer(guest_tokens().issue(GUEST.id, order_id).token), verifier(accounts), lambda _: None)
    assert order_of({"authorizer": passed.context}) == order_id
    assert not may_be_staff({"authorizer": passed.context})


def test_an_accounts_token_is_as_it_was(accounts: Issuer) -> None:
    found = verifier(accounts).verify(bearer(accounts.token("organiser")))
    assert found.actor.roles == {Role.CUSTOMER, Role.ORGANISER}
    assert (found.may_be_staff, found.order_id, found.actor.is_guest) == (True, None, False)


def test_whatever_a_guests_token_claims_gives_no_role(accounts: Issuer) -> None:
    claims = claims_of_a_guest(**{"cognito:groups": ["operators", "organisers", "door"], "mfa": "true"})
    found = verifier(accounts).verify(bearer(signed(claims)))
    assert found.actor.roles == {Role.CUSTOMER}
    assert not found.may_be_staff


def test_nobody_but_a_guest_is_given_a_guests_token() -> None:
    with pytest.raises(ValueError, match="not the id of a guest"):
        guest_tokens().issue(CUSTOMER.id)


NOW = int(time.time())
NO_TOKEN_OF_OURS: dict[str, Claims] = {
    "somebody with an account": {"sub": str(uuid4())},
    "a name": {"sub": "olga"},
    "no sub": {"sub": None},
    "a sub that is no text": {"sub": 7},
    "another audience": {"aud": "another-shop"},
    "no audience": {"aud": None},
    "a longer life": {"exp": NOW + 2 * 24 * 3600},
    "a life that began long ago": {"iat": NOW - 24 * 3600},
    "no exp": {"exp": None},
    "no iat": {"iat": None},
    "an iat that is no number": {"iat": "today"},
    "an iat in the future, and so a longer life": {"iat": NOW + 7 * 24 * 3600, "exp": NOW + 8 * 24 * 3600},
    "expired": {"iat": NOW - 3600, "exp": NOW - 1},
    "an order that is none": {"order": "all"},
    "many orders": {"order": [str(uuid4())]},
}


@pytest.mark.parametrize("changes", NO_TOKEN_OF_OURS.values(), ids=NO_TOKEN_OF_OURS)
def test_the_guests_key_itself_cannot_say_this(accounts: Issuer, changes: Claims) -> None:
    if isinstance(changes.get("sub"), int):
        token = by_hand({"alg": "EdDSA", "kid": KEY.kid}, claims_of_a_guest(**changes), KEY.private.sign)
    else:
        token = signed(claims_of_a_guest(**changes))
    with pytest.raises(Unauthenticated):
        verifier(accounts).verify(bearer(token))


def test_a_clock_that_is_behind_admits_a_token_that_was_made_a_moment_later(accounts: Issuer) -> None:
    now = int(time.time()) + 5
    assert verifier(accounts).verify(bearer(signed(claims_of_a_guest(iat=now, exp=now + 60)))).actor == GUEST


def test_the_guests_key_cannot_speak_for_the_issuer_of_accounts(accounts: Issuer) -> None:
    claims = {"iss": accounts.issuer, "aud": accounts.audience, "cognito:groups": ["operators"], "mfa": "true"}
    for sub, kid in ((str(CUSTOMER.id), KEY.kid), (str(GUEST.id), KEY.kid), (str(CUSTOMER.id), accounts.kid)):
        with pytest.raises(Unauthenticated, match="cannot be trusted"):
            verifier(accounts).verify(bearer(signed(claims_of_a_guest(**claims, sub=sub), kid=kid)))


@pytest.mark.parametrize("kid", [None, KEY.kid], ids=["its own kid", "the guests' kid"])
def test_the_issuers_key_cannot_speak_for_guests(accounts: Issuer, kid: str | None) -> None:
    for claims in (claims_of_a_guest(), claims_of_a_guest(iss=accounts.issuer, aud=accounts.audience)):
        token = jwt.encode(claims, accounts.private_key, "RS256", headers={"kid": kid or accounts.kid})
        with pytest.raises(Unauthenticated, match="cannot be trusted"):
            verifier(accounts).verify(bearer(token))


@pytest.mark.parametrize("sub", [str(GUEST.id), str(GUEST.id).upper(), f"urn:uuid:{GUEST.id}", f"{{{GUEST.id}}}"])
def test_no_token_of_an_account_names_a_guest(accounts: Issuer, sub: str) -> None:
    with pytest.raises(Unauthenticated, match="cannot be trusted"):
        verifier(accounts).verify(bearer(accounts.token("operator", sub)))


def test_the_claim_order_of_an_account_says_nothing(accounts: Issuer) -> None:
    found = verifier(accounts).verify(bearer(accounts.token("customer", order=str(uuid4()), guest=True)))
    assert (found.order_id, found.actor.is_guest) == (None, False)


# --- forgeries -------------------------------------------------------------------------------------------------------


def _pem() -> bytes:
    return KEY.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@cache
def _curve() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


FORGED: dict[str, Callable[[], str]] = {
    "none": lambda: by_hand({"alg": "none", "kid": KEY.kid}, claims_of_a_guest()),
    "HS256 with the public key": lambda: by_hand(
        {"alg": "HS256", "kid": KEY.kid},
        claims_of_a_guest(),
        lambda text: hmac.digest(KEY.public.public_bytes_raw(), text, hashlib.sha256),
    ),
    "HS256 with the public key in PEM": lambda: by_hand(
        {"alg": "HS256", "kid": KEY.kid}, claims_of_a_guest(), lambda text: hmac.digest(_pem(), text, hashlib.sha256)
    ),
    "HS256 with nothing": lambda: by_hand(
        {"alg": "HS256", "kid": KEY.kid}, claims_of_a_guest(), lambda text: hmac.digest(b"", text, hashlib.sha256)
    ),
    "ES256": lambda: jwt.encode(claims_of_a_guest(), _curve(), "ES256", headers={"kid": KEY.kid}),
    "another key under our name": lambda: signed(claims_of_a_guest(), OTHER_KEY),
    "another key in its own header": lambda: signed(
        claims_of_a_guest(),
        OTHER_KEY,
        jwk=jwt.algorithms.OKPAlgorithm.to_jwk(OTHER_KEY.public, as_dict=True),
        jku="http://127.0.0.1:9/jwks.json",
    ),
    "an unknown key": lambda: signed(claims_of_a_guest(), OTHER_KEY, OTHER_KEY.kid),
    "no name of a key": lambda: jwt.encode(claims_of_a_guest(), KEY.private, "EdDSA"),
    "a list for the name of a key": lambda: by_hand(
        {"alg": "EdDSA", "kid": [KEY.kid]}, claims_of_a_guest(), KEY.private.sign
    ),
    "a path for the name of a key": lambda: by_hand({"alg": "EdDSA", "kid": "../../dev/null"}, claims_of_a_guest()),
    "claims of another": lambda: _with_claims(signed(claims_of_a_guest()), claims_of_a_guest(sub=str(uuid4()))),
    "prolonged": lambda: _with_claims(signed(claims_of_a_guest()), claims_of_a_guest(exp=2**33)),
    "without its order": lambda: _with_claims(signed(claims_of_a_guest(order=str(uuid4()))), claims_of_a_guest()),
    "no signature": lambda: signed(claims_of_a_guest()).rpartition(".")[0] + ".",
    "no issuer": lambda: signed(claims_of_a_guest(iss=None)),
    "another issuer": lambda: signed(claims_of_a_guest(iss="https://issuer.example")),
    "issuers": lambda: by_hand({"alg": "EdDSA", "kid": KEY.kid}, claims_of_a_guest(iss=[GUEST_ISSUER])),
    "claims that are a list": lambda: by_hand({"alg": "EdDSA", "kid": KEY.kid}, [GUEST_ISSUER]),  # type: ignore[arg-type]
    "nonsense": lambda: "a.b.c",
}


def _with_claims(token: str, claims: Claims) -> str:
    header, _, signature = token.split(".")
    return ".".join([header, urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode(), signature])


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_of_a_guest_proves_nothing(accounts: Issuer, forge: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated, match="cannot be trusted"):
        verifier(accounts).verify(bearer(forge()))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic Z2luYTo=", "Bearer x", "Bearer \udcff.x.y"])
def test_what_is_no_token_proves_nothing(accounts: Issuer, header: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier(accounts).verify(header)


# --- rotation --------------------------------------------------------------------------------------------------------


def test_the_newest_key_signs_and_both_verify() -> None:
    before, after = guest_tokens(OLD_SECRET), guest_tokens(SECRET, OLD_SECRET)
    old, new = before.issue(GUEST.id).token, after.issue(GUEST.id).token
    assert jwt.get_unverified_header(new)["kid"] == KEY.kid
    assert {after.verify(bearer(token)).actor for token in (old, new)} == {GUEST}
    with pytest.raises(Unauthenticated):
        guest_tokens("the secret after it", SECRET).verify(bearer(old))


def test_a_container_from_before_a_rotation_finds_the_new_key_when_a_token_names_it() -> None:
    clock, secrets = Clock(), Secrets(OLD_SECRET)
    tokens = GuestTokens(GuestKeys(secrets, clock), TWO_HOURS)
    tokens.verify(bearer(tokens.issue(GUEST.id).token))
    secrets.secrets = SECRET, OLD_SECRET
    clock.advance(PAUSE)
    assert tokens.verify(bearer(guest_tokens(SECRET).issue(GUEST.id).token)).actor == GUEST
    assert secrets.asked == 2


def test_a_container_signs_with_the_new_key_a_while_after_a_rotation() -> None:
    clock, secrets = Clock(), Secrets(OLD_SECRET)
    keys = GuestKeys(secrets, clock)
    assert keys.signing().kid == GuestKey.of(OLD_SECRET).kid
    secrets.secrets = SECRET, OLD_SECRET
    clock.advance(MEMORY - timedelta(seconds=1))
    assert keys.signing().kid != KEY.kid
    clock.advance(timedelta(seconds=1))
    assert keys.signing().kid == KEY.kid


def test_a_key_that_was_replaced_twice_is_refused_a_while_later_also_by_who_knows_it() -> None:
    clock, secrets = Clock(), Secrets(OLD_SECRET)
    tokens = GuestTokens(GuestKeys(secrets, clock), TWO_HOURS)
    token = tokens.issue(GUEST.id).token
    secrets.secrets = SECRET, OTHER_SECRET
    clock.advance(MEMORY)
    with pytest.raises(Unauthenticated):
        tokens.verify(bearer(token))


def test_invented_names_of_keys_do_not_make_us_read_the_secret_each_time() -> None:
    secrets = Secrets(SECRET)
    tokens = GuestTokens(GuestKeys(secrets, Clock()), TWO_HOURS)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            tokens.verify(bearer(signed(claims_of_a_guest(), kid=f"invented {number}")))
    assert secrets.asked == 1


def test_a_secret_that_cannot_be_read_again_serves_on() -> None:
    clock, secrets = Clock(), Secrets(SECRET)
    tokens = GuestTokens(GuestKeys(secrets, clock), TWO_HOURS)
    token = tokens.issue(GUEST.id).token
    secrets.is_away = True
    clock.advance(MEMORY)
    assert tokens.verify(bearer(tokens.issue(GUEST.id).token)).actor == GUEST
    assert tokens.verify(bearer(token)).actor == GUEST


def test_a_secret_that_was_never_read_is_no_fault_of_the_guest() -> None:
    clock, secrets = Clock(), Secrets(SECRET)
    secrets.is_away = True
    tokens = GuestTokens(GuestKeys(secrets, clock), TWO_HOURS)
    with pytest.raises(Unavailable):
        tokens.verify(bearer(guest_tokens().issue(GUEST.id).token))
    with pytest.raises(Unavailable):
        tokens.issue(GUEST.id)
    assert secrets.asked == 1
    secrets.is_away = False
    clock.advance(PAUSE)
    assert tokens.verify(bearer(tokens.issue(GUEST.id).token)).actor == GUEST


def test_an_account_is_verified_without_reading_the_secret(accounts: Issuer) -> None:
    secrets = Secrets(SECRET)
    of_accounts = TokenVerifier(FileKeys(accounts.jwks_file), accounts.issuer, accounts.audience)
    of_guests = GuestTokens(GuestKeys(secrets), TWO_HOURS)
    VerifierByIssuer({accounts.issuer: of_accounts, GUEST_ISSUER: of_guests}).verify(bearer(accounts.token()))
    assert secrets.asked == 0


def test_the_ids_of_guests_are_told_from_all_others() -> None:
    assert GUEST.is_guest
    assert all(is_guest(guest_id(bits)) for bits in (0, 1, 2**128 - 1))
    assert guest_id(1) != guest_id(2)
    assert (guest_id(0).version, str(guest_id(0))[:8]) == (8, "67756573")
    people = (str(uuid4()), str(IDS.id_of("request", "k")), "olga", str(uuid5(NAMESPACE_URL, "olga")), str(UUID(int=0)))
    assert not any(Actor.of(subject, []).is_guest for subject in people)


def test_requests_that_come_at_once_wait_for_the_keys_that_one_of_them_reads() -> None:
    reading, waited = threading.Event(), threading.Event()

    def read() -> list[str]:
        reading.set()
        waited.wait(10)
        return ["secret"]

    keys = GuestKeys(read)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(keys.signing)
        reading.wait(10)
        others = [threads.submit(keys.signing) for _ in range(3)]
        waited.set()
        assert {one.result().kid for one in others} == {first.result().kid}
