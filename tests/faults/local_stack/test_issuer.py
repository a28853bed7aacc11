"""The local issuer's tokens name people and their roles."""
# ruff: noqa: S603 - starting programs of ours, with arguments of ours, is what is tested

import json
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from local.checkout import PROJECT
from local.issuer import GROUPS, Issuer, UnknownRole, default_sub
from tests.faults.local_stack.processes import Event

TWELVE_HOURS = 12 * 60 * 60


def claims_of(issuer: Issuer, token: str) -> Event:
    key = jwt.PyJWKSet.from_dict(json.loads(issuer.jwks_file.read_text()))[jwt.get_unverified_header(token)["kid"]]
    claims: Event = jwt.decode(token, key, algorithms=["RS256"], audience=issuer.audience, issuer=issuer.issuer)
    return claims


@pytest.mark.parametrize(
    ("role", "groups"),
    [("organiser", ["organisers"]), ("door", ["door"]), ("operator", ["operators"]), ("customer", [])],
)
def test_a_token_names_the_groups_of_its_role(tmp_path: Path, role: str, groups: list[str]) -> None:
    issuer = Issuer.in_directory(tmp_path)
    claims = claims_of(issuer, issuer.token(role=role))
    assert claims["cognito:groups"] == groups
    assert claims["sub"] == default_sub(role)
    assert claims["exp"] - claims["iat"] == TWELVE_HOURS


def test_every_role_is_a_different_person_by_default_and_anyone_by_choice(tmp_path: Path) -> None:
    issuer = Issuer.in_directory(tmp_path)
    assert len({default_sub(role) for role in GROUPS}) == len(GROUPS)
    assert claims_of(issuer, issuer.token(sub="somebody"))["sub"] == "somebody"


def test_an_unknown_role_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownRole, match=r"king.*organiser, customer, door, operator"):
        Issuer.in_directory(tmp_path).token(role="king")


def test_claims_can_be_replaced_and_left_out(tmp_path: Path) -> None:
    issuer = Issuer.in_directory(tmp_path)
    with pytest.raises(jwt.ExpiredSignatureError):
        claims_of(issuer, issuer.token(exp=1))
    with pytest.raises(jwt.InvalidAudienceError):
        claims_of(issuer, issuer.token(aud="somebody-else"))
    with pytest.raises(jwt.MissingRequiredClaimError):
        claims_of(issuer, issuer.token(iss=None))


def test_the_key_is_kept_between_runs_and_is_the_owners_alone(tmp_path: Path) -> None:
    token = Issuer.in_directory(tmp_path).token()
    assert claims_of(Issuer.in_directory(tmp_path), token)
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o777 == 0o600


def test_the_token_command_prints_one_token_alone_on_its_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.token", "--directory", str(tmp_path), "--role"]
    printed = subprocess.run([*command, "door"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert claims_of(Issuer.in_directory(tmp_path), printed.removesuffix("\n"))["cognito:groups"] == ["door"]
    refused = subprocess.run([*command, "king"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert refused.stdout == ""
    assert refused.stderr.startswith("There is no role 'king'")
