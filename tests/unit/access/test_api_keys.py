"""API keys of machines: what proves one, what it may do, and when it ends."""

from datetime import timedelta

import pytest

from chalicelib.platform.caller import Actor, KeyGrant, KeyScope
from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.errors import Forbidden, IdempotencyKeyReused, NotFound, Unauthenticated, Unavailable
from chalicelib.platform.http.api_keys import BearerVerifier, KeyVerifier
from chalicelib.platform.http.auth import Credentials
from chalicelib.platform.http.authorizer import actor_of, authorize
from chalicelib.shop.access.api_key import NewKey
from chalicelib.shop.access.commands import Accounts, NotAtThisDoor, disable_account
from chalicelib.shop.access.disabled import ensure_enabled
from chalicelib.shop.access.key_commands import MadeKey, create_key, revoke_key
from chalicelib.shop.access.key_use import KeyUse
from chalicelib.shop.access.keys import find_key
from chalicelib.shop.access.team import MOST_KEYS, TeamFull, team_id
from chalicelib.shop.access.team_commands import find_team
from tests.support.shop import CUSTOMER, OPENING, OPERATOR, ORGANISER, OTHER_ORGANISER, Shop

ORG = ORGANISER.id
SCOPES = (KeyScope.SALES_READ,)
YEAR, HOUR, SECOND = timedelta(days=365), timedelta(hours=1), timedelta(seconds=1)


class NoTokens:
    def verify(self, authorization: str) -> Credentials:
        raise Unauthenticated(f"no token: {authorization}")


class Keys:
    """An organiser's API keys, and a container that checks them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def make(self, key: str | None = None, body: str = "", by: Actor = ORGANISER) -> MadeKey:
        new = NewKey("Box office", SCOPES, self.shop.clock.now + YEAR)
        return create_key(self.shop.repository, self.shop.request(by, key, body), ORG, new)

    def revoke(self, made: MadeKey, by: Actor = ORGANISER) -> None:
        revoke_key(self.shop.repository, self.shop.request(by), by.id, made.id)

    def verify(self, text: str) -> Credentials:
        streams = self.shop.other_container().through(self.shop.store)
        keys = KeyVerifier(lambda key_id: find_key(streams, key_id), self.shop.clock)
        return BearerVerifier(NoTokens(), keys).verify(f"Bearer {text}")


@pytest.fixture
def keys(memory_shop: Shop) -> Keys:
    return Keys(memory_shop)


def test_a_key_proves_whose_it_is_and_what_it_may_do(keys: Keys) -> None:
    made = keys.make()
    credentials = keys.verify(made.text)
    assert credentials.actor == Actor.of_key(made.id, KeyGrant(ORG, frozenset(SCOPES)))
    assert credentials.expires_at == int((keys.shop.clock.now + YEAR).timestamp())


def test_only_the_hash_of_a_secret_is_stored_and_a_repeated_request_tells_it_again(keys: Keys) -> None:
    made = keys.make("once")
    assert keys.make("once") == made
    stored = [*keys.shop.store.read(made.id), *keys.shop.store.read(team_id(ORG))]
    assert len(stored) == 2
    assert all(made.text.rpartition("_")[2] not in event.data for event in stored)
    with pytest.raises(IdempotencyKeyReused):
        keys.make("once", "another body")


def test_another_secret_another_id_and_nonsense_prove_nothing(keys: Keys) -> None:
    made, other = keys.make(), keys.make()
    prefix, key_id, secret = made.text.split("_", 2)
    changed = secret[:-1] + ("A" if secret[-1] != "A" else "E")
    for text in (
        f"{prefix}_{key_id}_{changed}",
        f"{prefix}_{other.id.hex}_{secret}",
        f"{prefix}_{ORG.hex}_{secret}",
        f"{prefix}_{key_id}_",
        f"{prefix}_{key_id}",
        "cbk_",
    ):
        with pytest.raises(Unauthenticated, match="cannot be trusted"):
            keys.verify(text)
    with pytest.raises(Unauthenticated, match="no token"):
        keys.verify(made.text.upper())


def test_a_key_ends_with_its_time_and_when_it_is_revoked(keys: Keys) -> None:
    made, revoked = keys.make(), keys.make()
    keys.revoke(revoked)
    keys.revoke(revoked)
    with pytest.raises(Unauthenticated, match="revoked"):
        keys.verify(revoked.text)
    keys.shop.clock.advance(YEAR - SECOND)
    keys.verify(made.text)
    keys.shop.clock.advance(SECOND)
    with pytest.raises(Unauthenticated, match="expired"):
        keys.verify(made.text)


def test_only_owners_make_and_revoke_keys_and_a_key_makes_none(keys: Keys) -> None:
    made = keys.make()
    for stranger in (CUSTOMER, OTHER_ORGANISER, keys.verify(made.text).actor):
        with pytest.raises(Forbidden):
            keys.make(by=stranger)
    with pytest.raises(NotFound):
        keys.revoke(made, by=OTHER_ORGANISER)
    keys.make(by=OPERATOR)


def test_an_organiser_has_a_bounded_number_of_keys(keys: Keys) -> None:
    made = [keys.make() for _ in range(MOST_KEYS)]
    with pytest.raises(TeamFull):
        keys.make()
    keys.revoke(made[0])
    keys.make()
    assert len(find_team(keys.shop.repository, ORG)[0].keys) == MOST_KEYS


def test_the_authorizer_passes_a_key_on_until_the_organiser_is_disabled(keys: Keys) -> None:
    made, shop = keys.make(), keys.shop
    streams = shop.other_container().through(shop.store)
    verifier = BearerVerifier(NoTokens(), KeyVerifier(lambda key_id: find_key(streams, key_id), shop.clock))

    def passed() -> Actor:
        answer = authorize(f"Bearer {made.text}", verifier, lambda person: ensure_enabled(streams, person))
        return actor_of({"authorizer": answer.context}, shop.clock.now)

    assert passed() == keys.verify(made.text).actor
    disable_account(shop.repository, shop.request(OPERATOR), ORG, "fraud")
    with pytest.raises(Unauthenticated, match="disabled"):
        passed()


def test_a_key_is_at_the_doors_of_its_organiser_by_the_schedule(keys: Keys) -> None:
    shop = keys.shop
    own, elsewhere = shop.draft(), shop.draft(OTHER_ORGANISER)
    machine = keys.verify(keys.make().text).actor
    accounts = Accounts(shop.other_container(), shop.clock)
    shop.clock.now = OPENING
    accounts.ensure_at_door(machine, own)
    with pytest.raises(NotAtThisDoor):
        accounts.ensure_at_door(machine, elsewhere)


class BrokenCounters(MemoryCounters):
    def put(self, *_: object) -> None:
        raise Unavailable("away")


def test_a_busy_key_is_noted_once_an_hour(keys: Keys) -> None:
    made, shop = keys.make(), keys.shop
    use = KeyUse(shop.counters, shop.clock)
    began = shop.clock.now.replace(microsecond=0)
    for _ in range(60):
        use.note(ORG, made.id)
        shop.clock.advance(timedelta(minutes=1) - SECOND)
    assert use.last_used(ORG) == {made.id: began}
    shop.clock.advance(HOUR)
    use.note(ORG, made.id)
    assert use.last_used(ORG)[made.id] > began


def test_a_request_does_not_fail_because_its_key_cannot_be_noted(keys: Keys) -> None:
    KeyUse(BrokenCounters(), keys.shop.clock).note(ORG, ORG)
