"""Who may sign tokens: keys of a file, and keys of an address whose server has its bad days."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from urllib.request import OpenerDirector

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.errors import Unauthenticated, Unavailable
from chalicelib.platform.http.auth import FileKeys, RemoteKeys, SigningKeys, TokenVerifier

ISSUER, AUDIENCE = "https://issuer.example", "the-shop"
LATER = 60 * 60
Claims = dict[str, Any]


@dataclass(frozen=True)
class Signer:
    """One key of an issuer, with its entry in the published key set."""

    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    algorithm: str
    kid: str

    @property
    def jwk(self) -> dict[str, Any]:
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            published = jwt.algorithms.RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        else:
            published = jwt.algorithms.ECAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        members = {name: value for name, value in published.items() if name != "key_ops"}
        return {**members, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def token(self, **claims: Any) -> str:
        """A good one, but for the claims given here; None leaves a claim out."""
        return jwt.encode(claims_with(**claims), self.private_key, self.algorithm, headers={"kid": self.kid})


@cache
def rsa_signer(kid: str = "rsa") -> Signer:
    return Signer(rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256", kid)


@cache
def ec_signer(kid: str = "ec") -> Signer:
    return Signer(ec.generate_private_key(ec.SECP256R1()), "ES256", kid)


def claims_with(**changes: Any) -> Claims:
    claims = {"sub": "carla", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + LATER, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def by_hand(header: dict[str, Any], claims: Claims, sign: Callable[[bytes], bytes]) -> str:
    """A token as an attacker makes it, whom no library stops."""
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    return b".".join([signed, _encoded(sign(signed))]).decode()


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def verifier(keys: SigningKeys) -> TokenVerifier:
    return TokenVerifier(keys, ISSUER, AUDIENCE)


def bearer(token: str) -> str:
    return f"Bearer {token}"


def key_set(*signers: Signer) -> bytes:
    return json.dumps({"keys": [signer.jwk for signer in signers]}).encode()


class JwksServer:
    """Publishes the keys; what it answers can be changed while it runs."""

    def __init__(self) -> None:
        self.status = 200
        self.body = key_set(rsa_signer(), ec_signer())
        self.fetched = 0
        self.silent = False
        self.cut_off = False
        self._go_on = Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/.well-known/jwks.json"

    def close(self) -> None:
        self._go_on.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.fetched += 1
                if server.silent:
                    server._go_on.wait()
                    return
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                if server.cut_off:
                    self.wfile.write(server.body[:10])
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                self.wfile.write(server.body)

            def log_message(self, *_: Any) -> None:
                """Tests say what they need."""

        return Handler


@pytest.fixture
def jwks_server() -> Iterator[JwksServer]:
    with closing(JwksServer()) as running:
        yield running


@pytest.fixture
def jwks_file(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(rsa_signer(), ec_signer()))
    return path


@pytest.fixture(params=["file", "address"])
def signing_keys(request: pytest.FixtureRequest) -> SigningKeys:
    """The keys under contract, of an RS256 and an ES256 signer."""
    if request.param == "file":
        return FileKeys(request.getfixturevalue("jwks_file"))
    return RemoteKeys(request.getfixturevalue("jwks_server").url)


# --- whatever the keys come from -------------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", [rsa_signer(), ec_signer()], ids=lambda signer: signer.algorithm)
def test_tokens_of_both_algorithms_prove_who_is_calling(signing_keys: SigningKeys, signer: Signer) -> None:
    expires_at = int(time.time()) + LATER
    token = signer.token(exp=expires_at, **{"cognito:groups": ["door", "chess club", 7]})
    credentials = verifier(signing_keys).verify(bearer(token))
    assert (credentials.actor, credentials.expires_at) == (Actor.of("carla", ["door"]), expires_at)
    assert credentials.actor.roles == {Role.CUSTOMER, Role.DOOR}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", " Bearer"])
def test_the_scheme_may_be_written_as_http_allows(signing_keys: SigningKeys, scheme: str) -> None:
    assert verifier(signing_keys).verify(f"{scheme} {ec_signer().token()}").actor == Actor.of("carla", [])


def test_groups_that_are_no_list_are_none(signing_keys: SigningKeys) -> None:
    token = ec_signer().token(**{"cognito:groups": "operators"})
    assert verifier(signing_keys).verify(bearer(token)).actor.roles == {Role.CUSTOMER}


FORGED = {
    "none": lambda: by_hand({"alg": "none", "kid": "rsa"}, claims_with(), lambda _: b""),
    "None": lambda: by_hand({"alg": "None", "kid": "rsa"}, claims_with(), lambda _: b""),
    "HS256 with the public key in PEM": lambda: by_hand(
        {"alg": "HS256", "kid": "rsa"}, claims_with(), lambda signed: hmac.digest(_public_pem(), signed, hashlib.sha256)
    ),
    "HS256 with the published key": lambda: by_hand(
        {"alg": "HS256", "kid": "rsa"},
        claims_with(),
        lambda signed: hmac.digest(json.dumps(rsa_signer().jwk).encode(), signed, hashlib.sha256),
    ),
    "PS256": lambda: jwt.encode(claims_with(), rsa_signer().private_key, "PS256", headers={"kid": "rsa"}),
    "RS512": lambda: jwt.encode(claims_with(), rsa_signer().private_key, "RS512", headers={"kid": "rsa"}),
    "RS256 that names the ES256 key": lambda: Signer(rsa_signer().private_key, "RS256", "ec").token(),
    "ES256 that names the RS256 key": lambda: Signer(ec_signer().private_key, "ES256", "rsa").token(),
    "another key under a known name": lambda: Signer(ec_signer("other").private_key, "ES256", "ec").token(),
    "another key in its own header": lambda: jwt.encode(
        claims_with(),
        ec_signer("other").private_key,
        "ES256",
        headers={"kid": "ec", "jwk": ec_signer("other").jwk, "jku": "http://127.0.0.1:9/jwks.json"},
    ),
    "an unknown key": lambda: ec_signer("other").token(),
    "no name of a key": lambda: jwt.encode(claims_with(), ec_signer().private_key, "ES256"),
    "a list for the name of a key": lambda: by_hand({"alg": "ES256", "kid": ["ec"]}, claims_with(), lambda _: b"x"),
    "changed claims": lambda: _with_claims_of(ec_signer().token(), ec_signer().token(sub="oscar")),
    "no signature": lambda: ec_signer().token().rpartition(".")[0] + ".",
}
UNACCEPTABLE: dict[str, Claims] = {
    "wrong issuer": {"iss": "https://issuer.example.org"},
    "no issuer": {"iss": None},
    "wrong audience": {"aud": "another-shop"},
    "no audience": {"aud": None},
    "expired": {"exp": 1},
    "no exp": {"exp": None},
    "exp that is no number": {"exp": "tomorrow"},
    "not yet valid": {"nbf": 2**40},
    "no sub": {"sub": None},
}


def _public_pem() -> bytes:
    return rsa_signer().private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _with_claims_of(token: str, other: str) -> str:
    header, _, signature = token.split(".")
    return ".".join([header, other.split(".")[1], signature])


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_proves_nothing(signing_keys: SigningKeys, forge: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated, match="cannot be trusted"):
        verifier(signing_keys).verify(bearer(forge()))


@pytest.mark.parametrize("signer", [rsa_signer(), ec_signer()], ids=lambda signer: signer.algorithm)
@pytest.mark.parametrize("claims", UNACCEPTABLE.values(), ids=UNACCEPTABLE)
def test_a_token_that_is_not_for_us_and_for_now_proves_nothing(
    signing_keys: SigningKeys, signer: Signer, claims: Claims
) -> None:
    with pytest.raises(Unauthenticated, match="has expired" if claims == {"exp": 1} else "cannot be trusted"):
        verifier(signing_keys).verify(bearer(signer.token(**claims)))


@pytest.mark.parametrize("subject", [7, ["carla"], {}])
def test_a_subject_that_is_no_text_proves_nothing(signing_keys: SigningKeys, subject: Any) -> None:
    signer = rsa_signer()
    token = by_hand({"alg": "RS256", "kid": "rsa"}, claims_with(sub=subject), lambda signed: _rs256(signer, signed))
    with pytest.raises(Unauthenticated, match="cannot be trusted"):
        verifier(signing_keys).verify(bearer(token))


def _rs256(signer: Signer, signed: bytes) -> bytes:
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    assert isinstance(signer.private_key, rsa.RSAPrivateKey)
    return signature.sign(signed, signer.private_key)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic Y2FybGE6", "Bearer x", "Bearer a.b.c", "Bearer é.ü.ß", "Bearer \udcff.x.y"],
)
def test_what_is_no_token_proves_nothing(signing_keys: SigningKeys, header: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier(signing_keys).verify(header)


# --- keys of an address ----------------------------------------------------------------------------------------------


def test_the_keys_are_fetched_once_for_many_tokens(jwks_server: JwksServer) -> None:
    remote = verifier(RemoteKeys(jwks_server.url))
    for signer in (rsa_signer(), ec_signer(), rsa_signer()):
        remote.verify(bearer(signer.token()))
    assert jwks_server.fetched == 1


def test_a_key_that_was_published_since_is_fetched(jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = verifier(RemoteKeys(jwks_server.url))
    remote.verify(bearer(rsa_signer().token()))
    jwks_server.body = key_set(rsa_signer(), ec_signer("new"))
    _let_a_minute_pass(monkeypatch)
    assert remote.verify(bearer(ec_signer("new").token())).actor == Actor.of("carla", [])
    assert jwks_server.fetched == 2
    with pytest.raises(Unauthenticated):
        remote.verify(bearer(ec_signer().token()))


def test_invented_key_names_do_not_make_us_ask_the_issuer_each_time(jwks_server: JwksServer) -> None:
    remote = verifier(RemoteKeys(jwks_server.url))
    for number in range(20):
        with pytest.raises(Unauthenticated):
            remote.verify(bearer(Signer(ec_signer().private_key, "ES256", f"invented {number}").token()))
    assert jwks_server.fetched <= 2


def test_a_server_that_is_away_is_no_fault_of_the_caller(jwks_server: JwksServer) -> None:
    jwks_server.close()
    assert_unavailable(jwks_server)


def test_a_server_that_does_not_answer_is_not_waited_for_long(
    jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[float] = []
    real = OpenerDirector.open

    def impatient(self: OpenerDirector, url: Any, data: Any = None, timeout: float = LATER) -> Any:
        patience.append(timeout)
        return real(self, url, data, 0.1)

    monkeypatch.setattr(OpenerDirector, "open", impatient)
    jwks_server.silent = True
    assert_unavailable(jwks_server)
    assert patience
    assert max(patience) <= 5


def test_a_server_that_hangs_up_halfway_is_no_fault_of_the_caller(jwks_server: JwksServer) -> None:
    jwks_server.cut_off = True
    assert_unavailable(jwks_server)


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
def test_a_server_that_answers_with_an_error_is_no_fault_of_the_caller(jwks_server: JwksServer, status: int) -> None:
    jwks_server.status = status
    assert_unavailable(jwks_server)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Down for maintenance</html>",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"null",
        b'{"keys": []}',
        b'{"keys": null}',
        b'{"keys": [1]}',
        b'{"keys": [{"kty": "unheard of", "kid": "ec"}]}',
        json.dumps({"keys": [{**ec_signer().jwk, "use": "enc"}]}).encode(),
    ],
)
def test_a_server_that_answers_without_a_key_is_no_fault_of_the_caller(jwks_server: JwksServer, body: bytes) -> None:
    jwks_server.body = body
    assert_unavailable(jwks_server)


def test_keys_once_fetched_serve_while_the_server_is_away(jwks_server: JwksServer) -> None:
    remote = verifier(RemoteKeys(jwks_server.url))
    remote.verify(bearer(ec_signer().token()))
    jwks_server.status = 500
    assert remote.verify(bearer(rsa_signer().token())).actor == Actor.of("carla", [])


def test_a_name_that_cannot_be_looked_up_anew_may_be_good_and_is_not_refused(
    jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = verifier(RemoteKeys(jwks_server.url))
    remote.verify(bearer(ec_signer().token()))
    jwks_server.status = 500
    _let_a_minute_pass(monkeypatch)
    with pytest.raises(Unavailable):
        remote.verify(bearer(ec_signer("new").token()))


def test_what_is_no_token_is_refused_without_asking_a_server(jwks_server: JwksServer) -> None:
    jwks_server.close()
    for token in ("x", "a.b.c", "e30.e30"):
        with pytest.raises(Unauthenticated):
            verifier(RemoteKeys(jwks_server.url)).verify(bearer(token))


def test_once_the_server_is_well_again_so_are_we(jwks_server: JwksServer) -> None:
    jwks_server.status, jwks_server.body = 500, b"down"
    remote = verifier(RemoteKeys(jwks_server.url))
    with pytest.raises(Unavailable):
        remote.verify(bearer(ec_signer().token()))
    jwks_server.status, jwks_server.body = 200, key_set(ec_signer())
    assert remote.verify(bearer(ec_signer().token())).actor == Actor.of("carla", [])


def assert_unavailable(server: JwksServer) -> None:
    with pytest.raises(Unavailable):
        verifier(RemoteKeys(server.url)).verify(bearer(ec_signer().token()))


def _let_a_minute_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the client's pause between two looks for unknown keys; the keys it has are good for longer."""
    monkeypatch.setattr("jwt.jwks_client.time", SimpleNamespace(monotonic=lambda: time.monotonic() + 60))
