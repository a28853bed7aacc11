"""Declares routes: one line says method, path and who may call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from uuid import UUID, uuid4

from chalice.app import Authorizer, Blueprint, MultiDict, Request, Response
from pydantic import BaseModel

from chalicelib.platform import logs
from chalicelib.platform.caller import Actor, Caller, KeyScope, Role
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import (
    CloudbashError,
    Forbidden,
    IfMatchNotSupported,
    InvalidInput,
    TokenOfDisabledAccount,
    Unavailable,
)
from chalicelib.platform.eventsourcing.budget import WITH_TOKEN, WITHOUT_TOKEN, ReadBudget
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.addresses import address_of
from chalicelib.platform.http.authorizer import actor_of, may_be_staff
from chalicelib.platform.http.browsers import ANY_PAGE
from chalicelib.platform.http.problems import as_json, problem
from chalicelib.platform.http.requests import (
    BodyModel,
    QueryModel,
    ensure_acceptable_size,
    ensure_no_body,
    identify,
    parse_body,
    parse_correlation_id,
    parse_id,
    parse_if_match,
    parse_min_versions,
    parse_query,
)
from chalicelib.platform.http.standing import CallerStanding, Grantor
from chalicelib.platform.ids import IdKey
from chalicelib.platform.readmodels.min_versions import MinVersions

if TYPE_CHECKING:
    from chalicelib.platform.http.auth import CredentialVerifier


JSON = "application/json"
PDF = "application/pdf"
BINARY_TYPES = (PDF,)
"""What API Gateway has to be told of, to pass it on as bytes."""


@dataclass(frozen=True)
class Answer:
    """Is a successful response; `version` is that of the stream that was read or changed, and becomes the `ETag`.

    A body that is not JSON is text or bytes, and says what it is in `content_type`.
    """

    status: HTTPStatus
    body: Any = None
    version: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def to_response(self) -> Response:
        etag = {} if self.version is None else {"ETag": f'"{self.version}"'}
        body = as_json(self.body) if self.content_type == JSON else self.body
        if self.status is HTTPStatus.NO_CONTENT:
            body = ""
        return Response(body, {"Content-Type": self.content_type, **etag, **self.headers}, int(self.status))


def ok(body: Any, version: int | None = None) -> Answer:
    return Answer(HTTPStatus.OK, body, version)


def created(body: dict[str, Any], location: str) -> Answer:
    """Answer 201; the body's `version` is the `ETag` too."""
    return Answer(HTTPStatus.CREATED, body, body.get("version"), {"Location": location})


def file_of(content: str | bytes, content_type: str, name: str, headers: dict[str, str] | None = None) -> Answer:
    """Answer 200 with a file, which browsers save under this name."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(HTTPStatus.OK, content, headers={**disposition, **(headers or {})}, content_type=content_type)


def accepted() -> Answer:
    """Answer 202: the request is stored, and will be dealt with."""
    return Answer(HTTPStatus.ACCEPTED, {})


def no_content(version: int) -> Answer:
    return Answer(HTTPStatus.NO_CONTENT, version=version)


PUBLIC = "public, max-age=1"
"""What shared caches may keep: a page that half a city reloads costs the shop one read a second and cache."""

_VARIES = "Authorization, Min-Version"
"""The headers that change a public answer, beside the address."""

Shop = TypeVar("Shop")
"""What the routes of a context use of the container: a protocol that its `api` module declares."""


class Gatekeeper(Grantor, Protocol):
    """Declares what the routes of every context use of the container."""

    @property
    def ids(self) -> IdKey: ...


class SecondFactorNeeded(Forbidden):
    code = "second_factor_needed"


class ScopeNeeded(Forbidden):
    """The API key was not made for this. `scopes` names those of which it needs one: none where no key is let in."""

    code = "scope_needed"


class Call(Generic[Shop]):
    """One request to a route, with the shop that serves it.

    Its methods raise InvalidInput, NotFound, Unauthenticated or Forbidden.
    """

    def __init__(
        self,
        request: Request,
        path: str,
        parameters: dict[str, str],
        shop: Shop,
        gatekeeper: Gatekeeper,
        budget: ReadBudget,
    ) -> None:
        self.shop = shop
        self.budget = budget
        self._request = request
        self._gatekeeper = gatekeeper
        self._may_be_staff = may_be_staff(request.context)
        self._parameters = {name: value.lower() for name, value in parameters.items()}
        self._path = path.format(**self._parameters)
        given = parse_correlation_id(request.headers.get("x-correlation-id"))
        self.correlation_id = given or request.context.get("requestId") or str(uuid4())
        logs.note(correlationId=self.correlation_id)

    @cached_property
    def actor(self) -> Actor:
        """Return the verified caller, whose account the authorizer has found enabled, with the roles of the token."""
        return self._placed(actor_of(self._request.context, utc_now()))

    def require(self, role: Role, *scopes: KeyScope) -> None:
        """Ask for the role in the token, and before refusing, among those granted here; of an API key, for a scope.

        Operators may do what organisers may, and so may who works for one, with what is the organiser's.
        Raises Forbidden.
        """
        if self.actor.key is not None:
            self._require_scope(scopes)
            return
        if role is not Role.CUSTOMER:
            self.ensure_may_be_staff()
        sufficient = {role, Role.OPERATOR} if role is Role.ORGANISER else {role}
        if sufficient & self.actor.roles or (role is Role.ORGANISER and self.actor.teams.known):
            return
        self.add_granted_roles()
        if not sufficient & self.actor.roles and not (role is Role.ORGANISER and self.actor.teams.known):
            raise Forbidden(f"This is for {role} only.")

    def _require_scope(self, scopes: Sequence[KeyScope]) -> None:
        if not any(self.actor.has(scope) for scope in scopes):
            raise ScopeNeeded("This API key was not made for this.", scopes=list(scopes))

    def ensure_may_be_staff(self) -> None:
        """Check that the caller has signed in as the stage wants of staff.

        Raises Unauthenticated or SecondFactorNeeded.
        """
        _ = self.actor
        if not self._may_be_staff:
            raise SecondFactorNeeded("Sign in with a second factor; staff needs one.")

    def add_granted_roles(self) -> None:
        """Let `actor` have the roles granted here as well: one read, for whoever may be staff."""
        if isinstance(standing := self.actor.teams, CallerStanding):
            self.actor = replace(self.actor, roles=self.actor.roles | standing.granted.roles)

    @property
    def may_be_staff(self) -> bool:
        """Tell whether the caller has signed in as the stage wants of staff."""
        return self._may_be_staff

    def note_use(self) -> None:
        """Remember that an API key was used, if the caller is one."""
        if "actor" in self.__dict__ and self.actor.key is not None:
            self._gatekeeper.note_use(self.actor.id, self.actor.key)

    def metered(self, log: EventStore) -> EventStore:
        """Return the log as this call may read it: what exceeds its budget raises TooMuchToRead."""
        return log.metered(self.budget.spend)

    def authenticate(self, verifier: "CredentialVerifier") -> None:
        """Find the caller of a route that anyone may call: nobody has checked a token that came with the request.

        The look at the account is a read that this call pays for, and so is the look at an API key.
        Raises Unauthenticated or Unavailable.
        """
        credentials = verifier.verify(self.authorization or "")
        self._may_be_staff = credentials.may_be_staff
        self.actor = self._placed(credentials.actor)
        if self.actor.key is not None:
            self.budget.spend()
            self.budget.spend()
            self._gatekeeper.ensure_enabled(self.actor.key.organiser_id)
        elif self._is_disabled():
            raise TokenOfDisabledAccount

    def _is_disabled(self) -> bool:
        """Look at the account; while the log is away the token counts, as at the authorizer (ADR 56)."""
        standing = CallerStanding(self.actor.id, self._gatekeeper, self.budget.spend)
        try:
            is_disabled = standing.granted.is_disabled
        except Unavailable:
            return False
        if self._may_be_staff:
            self.actor = replace(self.actor, teams=standing)
        return is_disabled

    def _placed(self, actor: Actor) -> Actor:
        """Return the caller who can be asked for whom they work, unless nobody may be staff with this token."""
        if actor.key is not None or not self._may_be_staff:
            return actor
        return replace(actor, teams=CallerStanding(actor.id, self._gatekeeper, self.budget.spend))

    @property
    def authorization(self) -> str | None:
        """Return the raw header, for routes that anyone may call and that show more to some."""
        value: str | None = self._request.headers.get("authorization")
        return value

    @cached_property
    def min_versions(self) -> MinVersions:
        """Read the header `Min-Version: <stream>:<version>, …`, which names what the answer must reflect."""
        return MinVersions(parse_min_versions(self._request.headers.get("min-version")))

    def caller(self, body: BaseModel | None = None) -> Caller:
        """Return the actor with the identity of this request, of which the body is a part.

        Every event of the request stores that identity as its cause. Without `body`, none may have been sent.
        """
        if body is None:
            self.ensure_no_body()
        actor, key = self.actor, self._request.headers.get("idempotency-key")
        request = identify(self._gatekeeper.ids, actor.id, self._request.method, self._path, key, body)
        logs.note(causationId=str(request.id))
        return Caller(
            actor,
            Origin(str(actor.id), self.correlation_id, str(request.id)),
            request,
            parse_if_match(self._request.headers.get("if-match")),
        )

    @property
    def address(self) -> str:
        """Return the caller's network address for limits, or an empty string; it is not to be logged or stored."""
        return address_of(self._request.context)

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers by their names in lower case."""
        return {name.lower(): value for name, value in self._request.headers.items()}

    @cached_property
    def raw_body(self) -> bytes:
        """Return the very bytes that were sent."""
        try:
            body: bytes | str = self._request.raw_body or b""
            return body.encode() if isinstance(body, str) else body
        except UnicodeEncodeError:
            raise InvalidInput("The body is not UTF-8.", (("#", "is not UTF-8"),)) from None

    def ensure_no_body(self) -> None:
        ensure_no_body(self.raw_body)

    def parameter(self, name: str) -> str:
        return self._parameters[name]

    def id(self, name: str) -> UUID:
        return parse_id(self._parameters[name])

    def body(self, model: type[BodyModel]) -> BodyModel:
        return parse_body(model, self.raw_body)

    def optional_body(self, model: type[BodyModel]) -> BodyModel | None:
        """Return the body, or None if nothing was sent."""
        return self.body(model) if self.raw_body else None

    def query(self, model: type[QueryModel]) -> QueryModel:
        return parse_query(model, self.query_parameters)

    @property
    def query_parameters(self) -> dict[str, str]:
        """Return the query parameters as they were sent."""
        return _each_given_once(self._request.query_params)


Handler = Callable[[Call[Shop]], Answer]


@dataclass(frozen=True)
class Route(Generic[Shop]):
    """One line of the route table.

    `takes_if_match` tells whether its handler checks the caller's `expected_version`. An API key needs one of `scopes`.
    """

    method: str
    path: str
    role: Role | None
    handler: Handler[Shop]
    takes_if_match: bool = False
    scopes: tuple[KeyScope, ...] = ()

    @property
    def is_public_read(self) -> bool:
        return self.method == "GET" and self.role is None


class Routes(Generic[Shop]):
    """The routes of one context. `role` None lets anyone in; Role.CUSTOMER asks for a valid token.

    A route refuses the header `If-Match` unless it is declared with `if_match`, and every API key unless it is declared
    with the scopes of which a key needs one.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._routes: list[Route[Shop]] = []

    @property
    def declared(self) -> Sequence[Route[Shop]]:
        return tuple(self._routes)

    def get(
        self, path: str, role: Role | None = None, *, scopes: tuple[KeyScope, ...] = ()
    ) -> Callable[[Handler[Shop]], Handler[Shop]]:
        return self._route("GET", path, role, scopes=scopes)

    def post(
        self, path: str, role: Role | None = None, *, if_match: bool = False, scopes: tuple[KeyScope, ...] = ()
    ) -> Callable[[Handler[Shop]], Handler[Shop]]:
        return self._route("POST", path, role, if_match, scopes)

    def patch(
        self, path: str, role: Role, *, if_match: bool = False, scopes: tuple[KeyScope, ...] = ()
    ) -> Callable[[Handler[Shop]], Handler[Shop]]:
        return self._route("PATCH", path, role, if_match, scopes)

    def delete(
        self, path: str, role: Role, *, if_match: bool = False, scopes: tuple[KeyScope, ...] = ()
    ) -> Callable[[Handler[Shop]], Handler[Shop]]:
        return self._route("DELETE", path, role, if_match, scopes)

    def blueprint(
        self, authorizer: Authorizer, shop: Callable[[], Shop], gatekeeper: Callable[[], Gatekeeper]
    ) -> Blueprint:
        """The routes for `app.register_blueprint`, with the app's authorizer on those that ask for a role.

        Both `shop` and `gatekeeper` give the container's: what this context uses of it, and what every context does.
        """
        blueprint = Blueprint(self._name)
        for route in self._routes:
            blueprint.route(
                route.path,
                methods=[route.method],
                authorizer=authorizer if route.role else None,
                content_types=["application/json"] if route.method in {"POST", "PATCH"} else [],
                name=route.handler.__name__,
                cors=ANY_PAGE,
            )(_view(blueprint, route, shop, gatekeeper))
        return blueprint

    def _route(
        self, method: str, path: str, role: Role | None, if_match: bool = False, scopes: tuple[KeyScope, ...] = ()
    ) -> Callable[[Handler[Shop]], Handler[Shop]]:
        def declare(handler: Handler[Shop]) -> Handler[Shop]:
            self._routes.append(Route(method, path, role, handler, if_match, scopes))
            return handler

        return declare


def _view(
    blueprint: Blueprint, route: Route[Shop], shop: Callable[[], Shop], gatekeeper: Callable[[], Gatekeeper]
) -> Callable[..., Response]:
    @wraps(route.handler)
    def view(**parameters: str) -> Response:
        try:
            budget = ReadBudget(WITHOUT_TOKEN if route.role is None else WITH_TOKEN)
            call = Call(blueprint.current_request, route.path, parameters, shop(), gatekeeper(), budget)
            ensure_acceptable_size(call.raw_body)
            if route.role is not None:
                call.require(route.role, *route.scopes)
            if not route.takes_if_match and "if-match" in call.headers:
                raise IfMatchNotSupported
            answer = _answered(route, call)
            call.note_use()
            return answer.to_response()
        except CloudbashError as error:
            return problem(error)

    return view


def _answered(route: Route[Shop], call: Call[Shop]) -> Answer:
    """Run the handler; a read also says how far its read model was behind in the streams that were named."""
    if route.method != "GET":
        return route.handler(call)
    call.ensure_no_body()
    min_versions = call.min_versions
    answer = route.handler(call)
    headers = _caching(route, call) | answer.headers
    if told := min_versions.told:
        headers["Read-Model-Lag"] = ", ".join(f"{stream_id}:{versions}" for stream_id, versions in told.items())
    return replace(answer, headers=headers)


def _caching(route: Route[Shop], call: Call[Shop]) -> dict[str, str]:
    """Let shared caches keep what everybody is answered; whatever has no header of this kind is kept by nobody."""
    if not route.is_public_read:
        return {}
    is_for_everybody = call.authorization is None and not call.min_versions.named
    return {"Vary": _VARIES} | ({"Cache-Control": PUBLIC} if is_for_everybody else {})


def _each_given_once(parameters: MultiDict | None) -> dict[str, str]:
    """Return the query parameters.

    Raises InvalidInput for one that is given more than once, because its other values would be ignored.
    """
    given = {} if parameters is None else {name: parameters.getlist(name) for name in parameters}
    repeated = tuple((f"?{name}", "is given more than once") for name, values in given.items() if len(values) > 1)
    if repeated:
        raise InvalidInput(f"`{repeated[0][0][1:]}` is given more than once.", repeated)
    return {name: value for name, (value,) in given.items()}
