"""Given some streams, when a request comes in, then this is the answer, and these are the new events.

The routes are the shop's own, with all that is before them but the gateway; behind them are a log in memory and
documents as far as they are said to have followed. No server is asked, so there is nothing of Postgres and Redis.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from uuid import UUID

from chalice.app import AuthRequest, AuthResponse, Chalice
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib import contexts
from chalicelib.composition import Composition
from chalicelib.platform.caller import Actor, KeyGrant, KeyScope
from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.http.answers import BINARY_TYPES
from chalicelib.platform.http.auth import Credentials
from chalicelib.platform.http.authorizer import authorize
from chalicelib.platform.http.middleware import guarded, problems_only, without_content_to_head
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.documents.document import Versioned, owner_key, sort_key_in, sort_key_of
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.port import StreamContents
from chalicelib.settings import Settings
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.webhooks.signing import SecretBox
from local.keys import LOCAL_ID_KEY, LOCAL_TICKET_KEY
from tests.support.described import ensure_described
from tests.support.scenario import ViewFold
from tests.support.shop import Shop
from tests.support.stored import store_all
from tests.support.told import PlainMasterKey

_NEVER = 99999999999
_serving: list[Composition] = []
"""The last of these answers. The routes are declared once for all, because that would take most of a test's time."""


class TokenReader:
    """Believes a token that names its person, whether they may be staff, and their roles; or an API key's scopes."""

    def verify(self, authorization: str) -> Credentials:
        if not authorization:
            raise Unauthenticated("Send a token.")
        person, may_be_staff, *roles = authorization.split()
        if may_be_staff == "key":
            organiser, *scopes = roles
            grant = KeyGrant(UUID(organiser), frozenset(map(KeyScope, scopes)))
            return Credentials(Actor.of_key(UUID(person), grant), _NEVER)
        return Credentials(Actor.of(person, roles), _NEVER, may_be_staff == "true")


class FollowedDocuments:
    """Documents by stream, as the read model in DynamoDB gives them."""

    def __init__(self) -> None:
        self._found: dict[UUID, Versioned] = {}

    def follow(self, fold: ViewFold, log: MemoryEventStore, stream_id: UUID, version: int) -> None:
        document: JsonObject | None = None
        for stored in log.read(stream_id)[: version + 1]:
            document = fold(document, recorded(stored))
        assert document is not None
        self._found[stream_id] = Versioned(document, version)

    def find(self, stream_id: UUID) -> Versioned | None:
        return self._found.get(stream_id)

    def list_of(
        self, owner: str, limit: int, after: Sequence[str] | None = None
    ) -> tuple[list[Versioned], list[str] | None]:
        """A page of an owner's documents, newest first."""
        own = [
            one for one in self._found.values() if owner_key(one.document["type"], one.document["customer_id"]) == owner
        ]
        own.sort(key=sort_key_of, reverse=True)
        left = own if after is None else [one for one in own if sort_key_of(one) < sort_key_in(after)]
        return left[:limit], [sort_key_of(left[limit - 1])] if len(left) > limit else None

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, StreamContents]:
        found = {key: self._found[key] for key in stream_ids if key in self._found}
        return {key: StreamContents(version, document) for key, (document, version) in found.items()}


def given_streams(streams: Mapping[UUID, Sequence[Event]]) -> "GivenStreams":
    """A shop whose log has these streams, at the time at which all of them were written."""
    log = MemoryEventStore()
    for stream_id, events in streams.items():
        for stored in store_all(stream_id, events):
            log.append([stored])
    return GivenStreams(Shop(log), log)


@dataclass(frozen=True)
class GivenStreams:
    shop: Shop
    log: MemoryEventStore
    documents: FollowedDocuments = field(default_factory=FollowedDocuments)
    may_be_staff: bool = True

    def and_document(self, fold: ViewFold, stream_id: UUID, version: int) -> "GivenStreams":
        """The document of a stream has followed it up to this version; others are not there yet."""
        self.documents.follow(fold, self.log, stream_id, version)
        return self

    def when(
        self, actor: Actor | None, method: str, path: str, body: JsonObject | None = None, **headers: str
    ) -> "Answered":
        """Send the request; `if_match="3"` is the header `If-Match`.

        Without an actor the request has no token, or a guest's own in `authorization`.
        """
        raw = b"" if body is None else json.dumps(body).encode()
        return self.when_sent(actor, method, path, raw, **headers)

    def when_sent(self, actor: Actor | None, method: str, path: str, raw: bytes, **headers: str) -> "Answered":
        """Send these very bytes, as text; `content_type` is JSON unless it is given."""
        before = {key: len(self.log.read(key)) for key in self.log.stream_ids()}
        sent = {_header(name): value for name, value in headers.items()}
        container = InMemory(self.shop, self.documents)
        answer = ask(container, actor, method, path, raw, sent, may_be_staff=self.may_be_staff)
        news = {key: self.log.read(key)[before.get(key, 0) :] for key in self.log.stream_ids()}
        return Answered(
            int(answer["statusCode"]),
            {str(name).lower(): str(value) for name, value in answer["headers"].items()},
            json.loads(answer["body"] or "null"),
            {key: [decode(stored) for stored in stream] for key, stream in news.items() if stream},
        )


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: Any
    news: Mapping[UUID, Sequence[Event]]

    def then(self, status: int, body: Any, news: Mapping[UUID, Sequence[Event]]) -> None:
        """Answered so, and exactly these events are new."""
        assert (self.status, self.body) == (status, body)
        assert self.news == {stream_id: list(events) for stream_id, events in news.items()}

    def then_shows(self, **members: Any) -> None:
        """A successful read has these members, and nothing was written."""
        assert (self.status, self.news) == (200, {})
        assert {name: self.body.get(name) for name in members} == members

    def then_refuses(self, status: int, code: str, **facts: Any) -> None:
        """Refused so, with these facts, and nothing was written."""
        assert (self.status, self.body.get("code"), self.news) == (status, code, {}), self.body
        assert self.headers["content-type"] == "application/problem+json"
        assert {name: self.body.get(name) for name in facts} == facts


class InMemory(Composition):
    """A container's shop without servers: what these routes use of it is in memory."""

    def __init__(self, shop: Shop, documents: FollowedDocuments) -> None:
        settings = Settings(id_key=LOCAL_ID_KEY, guest_key=LOCAL_ID_KEY, ticket_key=LOCAL_TICKET_KEY)
        super().__init__(settings, shop.clock)
        store: Any = shop.store
        self.event_store = store
        self.verifier = TokenReader()
        self.repository = shop.repository
        self.vault = shop.vault
        self.gateways = {"sandbox": shop.gateway}
        self.work_queue = MemoryWorkQueue()
        self.counters = shop.counters
        self.webhook_secrets = SecretBox(PlainMasterKey())
        self._documents = documents

    @property
    def documents(self) -> DocumentProjection:
        return cast("DocumentProjection", self._documents)

    def concerts_to_come(self, organiser_id: UUID) -> list[UUID]:
        """As the sales say it: what is published, over or not."""
        log = cast("MemoryEventStore", self.event_store)
        concerts = [key for key in log.stream_ids() if aggregate_type_of(log.read_slice(key, -1, 1)[0]) == CONCERT.name]
        states = {key: self.repository.load(CONCERT, key)[0] for key in concerts}
        return [key for key, one in states.items() if one.organiser_id == organiser_id and one.status == "published"]


def ask(
    container: Composition,
    actor: Actor | None,
    method: str,
    path: str,
    raw: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    may_be_staff: bool = True,
) -> dict[str, Any]:
    """Send a request to this container, with a token of the actor if there is one, and return the gateway's answer."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    if actor is not None:
        sent["Authorization"] = _token(actor, may_be_staff and not actor.is_guest)
    _serving.append(container)
    try:
        answer: dict[str, Any] = _gateway().handle_request(method, path, sent, raw)
    finally:
        _serving.pop()
    content = answer["body"] or ""
    ensure_described(
        method,
        path.partition("?")[0],
        int(answer["statusCode"]),
        {str(name): str(value) for name, value in answer["headers"].items()},
        content if isinstance(content, bytes) else content.encode(),
        raw,
    )
    return answer


def _token(actor: Actor, may_be_staff: bool) -> str:
    if actor.key is not None:
        return " ".join([str(actor.id), "key", str(actor.key.organiser_id), *sorted(actor.key.scopes)])
    return " ".join([str(actor.id), str(may_be_staff).lower(), *sorted(actor.roles)])


@cache
def _gateway() -> LocalGateway:
    """API Gateway as Chalice imitates it, before every route of the shop."""
    app = Chalice(app_name="in_memory", configure_logs=False)
    app.api.binary_types.extend(BINARY_TYPES)
    app.register_middleware(without_content_to_head, "http")
    app.register_middleware(guarded, "http")
    app.register_middleware(problems_only, "http")
    admit = app.authorizer()(_admit)
    for routes in contexts.routes():
        app.register_blueprint(routes.blueprint(admit, lambda: _serving[-1], lambda: _serving[-1]))
    return LocalGateway(app, Config.create())


def _admit(request: AuthRequest) -> AuthResponse:
    shop = _serving[-1]
    verifier = shop.guest_tokens if request.token.startswith("Bearer ") else TokenReader()
    return authorize(request.token, verifier, shop.ensure_enabled)


def _header(name: str) -> str:
    return name.replace("_", "-").title()
