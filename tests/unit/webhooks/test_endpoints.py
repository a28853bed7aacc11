"""What an organiser's webhook endpoints decide, and what they refuse."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.shop.webhooks.endpoints import (
    MOST_ENDPOINTS,
    WEBHOOK_ENDPOINTS,
    EndpointDetails,
    TooManyWebhookEndpoints,
    WebhookEndpointIsDisabled,
    WebhookReplay,
    evolve,
)
from chalicelib.shop.webhooks.events import (
    EndpointKeys,
    WebhookEndpointChanged,
    WebhookEndpointCreated,
    WebhookEndpointDeleted,
    WebhookEndpointDisabled,
    WebhookEndpointEnabled,
    WebhookReplayRequested,
    WebhookSecretRotated,
)
from tests.support.scenario import given
from tests.support.stored import SOME_TIME as NOW

ENDPOINT, ORGANISER, REQUEST = uuid4(), uuid4(), uuid4()
DETAILS = EndpointDetails("https://box-office.example/hooks", ("order.confirmed",), "Box office")
KEYS = EndpointKeys(sealed="c2VhbGVk", public_key="whpk_first")
NEW_KEYS = EndpointKeys(sealed="bmV3", public_key="whpk_second")
HOUR = timedelta(hours=1)


def created(endpoint_id: UUID = ENDPOINT) -> WebhookEndpointCreated:
    return WebhookEndpointCreated(
        endpoint_id=endpoint_id,
        organiser_id=ORGANISER,
        keys=KEYS,
        request_hash="hash",
        at=NOW - HOUR,
        **DETAILS._asdict(),
    )


DISABLED = WebhookEndpointDisabled(endpoint_id=ENDPOINT, reason="organiser", at=NOW)
ENABLED = WebhookEndpointEnabled(endpoint_id=ENDPOINT, at=NOW)
DELETED = WebhookEndpointDeleted(endpoint_id=ENDPOINT, at=NOW)
ROTATED = WebhookSecretRotated(
    endpoint_id=ENDPOINT, rotation_id=REQUEST, keys=NEW_KEYS, old_until=NOW + timedelta(days=1), at=NOW
)


def test_an_endpoint_is_created() -> None:
    given(WEBHOOK_ENDPOINTS).when(
        lambda state: state.create(ENDPOINT, ORGANISER, DETAILS, KEYS, "hash", NOW - HOUR)
    ).then(created())


def test_the_same_request_makes_no_second_endpoint_and_keeps_the_first_keys() -> None:
    given(WEBHOOK_ENDPOINTS, created()).when(
        lambda state: state.create(ENDPOINT, ORGANISER, DETAILS, NEW_KEYS, "hash", NOW)
    ).then_nothing()


def test_a_key_that_was_used_for_another_endpoint_is_refused() -> None:
    given(WEBHOOK_ENDPOINTS, created()).when(
        lambda state: state.create(ENDPOINT, ORGANISER, DETAILS, KEYS, "other", NOW)
    ).then_refuses(IdempotencyKeyReused)


def test_an_organiser_has_ten_endpoints_at_most() -> None:
    history = [created(uuid4()) for _ in range(MOST_ENDPOINTS)]
    given(WEBHOOK_ENDPOINTS, *history).when(
        lambda state: state.create(ENDPOINT, ORGANISER, DETAILS, KEYS, "hash", NOW)
    ).then_refuses(TooManyWebhookEndpoints, limit=MOST_ENDPOINTS)


def test_a_repeated_request_does_not_bring_a_deleted_endpoint_back() -> None:
    given(WEBHOOK_ENDPOINTS, created(), DELETED).when(
        lambda state: state.create(ENDPOINT, ORGANISER, DETAILS, KEYS, "hash", NOW)
    ).then_refuses(NotFound)


def test_what_is_as_it_was_is_not_changed() -> None:
    given(WEBHOOK_ENDPOINTS, created()).when(lambda state: state.change(ENDPOINT, DETAILS, True, NOW)).then_nothing()


def test_details_and_the_switch_change_together() -> None:
    moved = DETAILS._replace(url="https://elsewhere.example/")
    given(WEBHOOK_ENDPOINTS, created()).when(lambda state: state.change(ENDPOINT, moved, False, NOW)).then(
        WebhookEndpointChanged(endpoint_id=ENDPOINT, at=NOW, **moved._asdict()), DISABLED
    )


def test_a_disabled_endpoint_is_enabled_again() -> None:
    given(WEBHOOK_ENDPOINTS, created(), DISABLED).when(lambda state: state.change(ENDPOINT, DETAILS, True, NOW)).then(
        ENABLED
    )


@pytest.mark.parametrize("history", [(), (created(), DISABLED), (created(), DELETED)])
def test_what_is_not_there_or_disabled_is_not_disabled(history: tuple[WebhookEndpointCreated, ...]) -> None:
    given(WEBHOOK_ENDPOINTS, *history).when(lambda state: state.disable(ENDPOINT, "failing", NOW)).then_nothing()


def test_an_endpoint_is_deleted_once() -> None:
    given(WEBHOOK_ENDPOINTS, created()).when(lambda state: state.delete(ENDPOINT, NOW)).then(DELETED)
    given(WEBHOOK_ENDPOINTS, created(), DELETED).when(lambda state: state.delete(ENDPOINT, NOW)).then_nothing()
    given(WEBHOOK_ENDPOINTS).when(lambda state: state.delete(ENDPOINT, NOW)).then_refuses(NotFound)


def test_a_rotation_is_done_once() -> None:
    given(WEBHOOK_ENDPOINTS, created()).when(lambda state: state.rotate(ENDPOINT, REQUEST, NEW_KEYS, NOW)).then(ROTATED)
    given(WEBHOOK_ENDPOINTS, created(), ROTATED).when(
        lambda state: state.rotate(ENDPOINT, REQUEST, KEYS, NOW)
    ).then_nothing()


def test_the_old_keys_sign_as_well_for_a_day() -> None:
    endpoint = WEBHOOK_ENDPOINTS.fold([created(), ROTATED]).get(ENDPOINT)
    assert endpoint.keys_at(NOW) == (NEW_KEYS, KEYS)
    assert endpoint.keys_at(NOW + timedelta(days=1)) == (NEW_KEYS,)


def a_replay(since: timedelta = -HOUR) -> WebhookReplay:
    return WebhookReplay(ENDPOINT, NOW + since, (ORGANISER,), "hash")


def test_a_replay_is_requested_once() -> None:
    requested = WebhookReplayRequested(replay_id=REQUEST, at=NOW, **a_replay()._asdict())
    given(WEBHOOK_ENDPOINTS, created()).when(lambda state: state.replay(REQUEST, a_replay(), NOW)).then(requested)
    scenario = given(WEBHOOK_ENDPOINTS, created(), requested)
    scenario.when(lambda state: state.replay(REQUEST, a_replay(), NOW)).then_nothing()
    scenario.when(
        lambda state: state.replay(REQUEST, a_replay(-2 * HOUR)._replace(request_hash="other"), NOW)
    ).then_refuses(IdempotencyKeyReused)


def test_nothing_is_replayed_to_a_disabled_endpoint_or_from_the_future() -> None:
    given(WEBHOOK_ENDPOINTS, created(), DISABLED).when(
        lambda state: state.replay(REQUEST, a_replay(), NOW)
    ).then_refuses(WebhookEndpointIsDisabled, reason="organiser")
    given(WEBHOOK_ENDPOINTS, created()).when(lambda state: state.replay(REQUEST, a_replay(HOUR), NOW)).then_refuses(
        InvalidInput
    )


def test_history_of_an_endpoint_that_is_not_there_changes_nothing() -> None:
    state = WEBHOOK_ENDPOINTS.initial
    for event in (DISABLED, ENABLED, ROTATED):
        assert evolve(state, event) == state
