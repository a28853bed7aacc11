"""Declares routes: one line says method, path, who may call and what is refused; the handler's types say the rest.

A handler takes the call and, if its route has one, the body or the query, read by the model that is the parameter's
type. What it returns says the statuses, headers and contents of its answers (ADR 59).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypedDict, TypeVar, Unpack, get_args, overload
from uuid import UUID, uuid4

from chalice.app import Authorizer, Blueprint, MultiDict, Request, Response

from chalicelib.platform import logs
from chalicelib.platform.caller import Actor, Caller, KeyScope, Role
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import (
    CloudbashError,
    Forbidden,
    IfMatchNotSupported,
    InvalidInput,
    NotFound,
    PreconditionNeeded,
    TokenOfDisabledAccount,
    TokenOfErasedPerson,
    Unavailable,
    facts,
)
from chalicelib.platform.eventsourcing.budget import WITH_TOKEN, WITHOUT_TOKEN, ReadBudget
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.addresses import address_of
from chalicelib.platform.http.answers import Answer
from chalicelib.platform.http.authorizer import actor_of, may_be_staff, order_of
from chalicelib.platform.http.browsers import ANY_PAGE
from chalicelib.platform.http.methods import READS, methods_of
from chalicelib.platform.http.problems import problem
from chalicelib.platform.http.requests import (
    Body,
    Query,
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


PUBLIC = "public, max-age=1"
"""What shared caches may keep: a page that half a city reloads costs the shop one read a second and cache."""

REFUSES_TOKENS = (
    "unauthenticated",
    "account_disabled",
    "account_needed",
    "person_erased",
    "forbidden",
    "second_factor_needed",
    "scope_needed",
)
"""What a route that takes a token without asking for one answers to those that it cannot trust, or that may not."""

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

_VARIES = "Authorization, Min-Version"
"""The headers that change a public answer, beside the address."""

Shop = TypeVar("Shop")
"""What the routes of a context use of the container: a protocol that its `api` module declares."""


Read = TypeVar("Read", bound=Body | Query | bytes | None)
"""What a handler takes beside the call: a query, or a body, that may be left out, or the very bytes that were sent."""

Answered = TypeVar("Answered", bound=Answer[Any])


class Reads(NamedTuple):
    """Says what a handler takes beside the call; a body may be left out if it `is_optional`."""

    model: type[Body | Query | bytes]
    is_optional: bool = False


class Gatekeeper(Grantor, Protocol):
    """Declares what the routes of every context use of the container."""

    @property
    def ids(self) -> IdKey: ...


class SecondFactorNeeded(Forbidden):
    """The caller has not signed in with a second factor, which staff needs."""

    code = "second_factor_needed"


class AccountNeeded(Forbidden):
    """Guests may not do this."""

    code = "account_needed"


class BeyondLink(Forbidden):
    """The token was got by the link of an order, and is for that order alone."""

    code = "beyond_link"


class ScopeNeeded(Forbidden):
    """The API key was not made for this. `scopes` names those of which it needs one: none where no key is let in."""

    code = "scope_needed"
    fact_types = facts(scopes="list[str]")


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
        self._body: Body | None = None
        self._gatekeeper = gatekeeper
        self._may_be_staff = may_be_staff(request.context)
        self._order_id = order_of(request.context)
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
        if not self._is(role):
            self.add_granted_roles()
        if not self._is(role):
            raise Forbidden(f"This is for {role} only.")

    def _is(self, role: Role) -> bool:
        """Tell whether that role is known of the caller, or one that may do as much."""
        if role is not Role.ORGANISER:
            return role in self.actor.roles
        return bool({role, Role.OPERATOR} & self.actor.roles or self.actor.teams.known)

    def _require_scope(self, scopes: Sequence[KeyScope]) -> None:
        if not any(self.actor.has(scope) for scope in scopes):
            raise ScopeNeeded("This API key was not made for this.", scopes=list(scopes))

    def ensure_may_be_staff(self) -> None:
        """Check that the caller has signed in as the stage wants of staff.

        Raises Unauthenticated, AccountNeeded or SecondFactorNeeded.
        """
        self.ensure_account()
        if not self._may_be_staff:
            raise SecondFactorNeeded("Sign in with a second factor; staff needs one.")

    def ensure_account(self) -> None:
        """Check that the caller is no guest.

        Raises Unauthenticated or AccountNeeded.
        """
        if self.actor.is_guest:
            raise AccountNeeded("Guests may not do this; sign in.")

    def ensure_within_link(self) -> None:
        """Check that whoever came by the link of an order asks about that order.

        Raises BeyondLink, or NotFound for another order.
        """
        if self._order_id is None:
            return
        if not self._path.startswith("/orders/"):
            raise BeyondLink("This token came from the link of an order, and is for that order alone.")
        if self._parameters.get("order_id") != str(self._order_id):
            raise NotFound("There is no such order.")

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
        else:
            self._ensure_enabled()

    def _ensure_enabled(self) -> None:
        """Look at the account; while the log is away the token counts, as at the authorizer (ADR 56)."""
        standing = CallerStanding(self.actor.id, self._gatekeeper, self.budget.spend)
        try:
            granted = standing.granted
        except Unavailable:
            return
        if granted.is_erased:
            raise TokenOfErasedPerson
        if granted.is_disabled:
            raise TokenOfDisabledAccount
        if self._may_be_staff:
            self.actor = replace(self.actor, teams=standing)

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

    def caller(self) -> Caller:
        """Return the actor with the identity of this request, of which the body is a part.

        Every event of the request stores that identity as its cause.
        """
        actor, key = self.actor, self._request.headers.get("idempotency-key")
        request = identify(self._gatekeeper.ids, actor.id, self._request.method, self._path, key, self._body)
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

    def parameter(self, name: str) -> str:
        return self._parameters[name]

    def id(self, name: str) -> UUID:
        return parse_id(self._parameters[name])

    def read(self, reads: Reads | None) -> tuple[Any, ...]:
        """Return what the handler takes beside this call; a body or parameters that it does not take are refused."""
        if reads is None:
            ensure_no_body(self.raw_body)
            if self._request.method in READS:
                parse_query(Query, self.query_parameters)
            return ()
        if issubclass(reads.model, Query):
            ensure_no_body(self.raw_body)
            return (parse_query(reads.model, self.query_parameters),)
        if issubclass(reads.model, bytes):
            return (self.raw_body,)
        if self.raw_body or not reads.is_optional:
            self._body = parse_body(reads.model, self.raw_body)
        return (self._body,)

    @property
    def query_parameters(self) -> dict[str, str]:
        """Return the query parameters as they were sent."""
        return _each_given_once(self._request.query_params)


@dataclass(frozen=True)
class Route(Generic[Shop]):
    """One line of the route table, with what the types of its handler declare.

    `takes_if_match` tells whether its handler checks the caller's `expected_version`, and `takes_token` whether a route
    for anyone shows more to some. `refuses` has the codes of the errors that not every route like it may answer with.
    An API key needs one of `scopes`.
    """

    method: str
    path: str
    role: Role | None
    handler: Callable[..., Answer[Any]]
    reads: Reads | None
    refuses: tuple[str, ...] = ()
    takes_if_match: bool = False
    takes_token: bool = False
    scopes: tuple[KeyScope, ...] = ()
    takes_forms: bool = False

    @property
    def content_types(self) -> list[str]:
        """Return what a body may be; forms come from programs and pages that are not ours to choose."""
        if self.method not in {"POST", "PATCH"}:
            return []
        return ["application/json", *FORMS] if self.takes_forms else ["application/json"]

    @property
    def is_public_read(self) -> bool:
        return self.method == "GET" and self.role is None

    @property
    def needs_if_match(self) -> bool:
        """Tell whether the route changes a part of what others may have changed since the caller saw it (ADR 75)."""
        return self.method == "PATCH"


class Declared(TypedDict, total=False):
    """Lists what any route may be declared with, beside method, path and role."""

    refuses: tuple[str, ...]
    scopes: tuple[KeyScope, ...]


class DeclaredRead(Declared, total=False):
    takes_token: bool


class DeclaredWrite(Declared, total=False):
    if_match: bool
    forms: bool


class Declare(Protocol[Shop]):
    """Is a decorator of handlers."""

    @overload
    def __call__(self, handler: Callable[[Call[Shop]], Answered], /) -> Callable[[Call[Shop]], Answered]: ...
    @overload
    def __call__(
        self, handler: Callable[[Call[Shop], Read], Answered], /
    ) -> Callable[[Call[Shop], Read], Answered]: ...


class Routes(Generic[Shop]):
    """The routes of one context. `role` None lets anyone in; Role.CUSTOMER asks for a valid token.

    A route refuses the header `If-Match` unless it is declared with `if_match`, as every `PATCH` is, which asks for it;
    and every API key unless it is declared with the scopes of which a key needs one.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._routes: list[Route[Shop]] = []

    @property
    def declared(self) -> Sequence[Route[Shop]]:
        return tuple(self._routes)

    def get(self, path: str, role: Role | None = None, **declared: Unpack[DeclaredRead]) -> Declare[Shop]:
        return self._route("GET", path, role, **declared)

    def post(self, path: str, role: Role | None = None, **declared: Unpack[DeclaredWrite]) -> Declare[Shop]:
        return self._route("POST", path, role, **declared)

    def patch(self, path: str, role: Role, **declared: Unpack[Declared]) -> Declare[Shop]:
        return self._route("PATCH", path, role, if_match=True, **declared)

    def delete(self, path: str, role: Role, **declared: Unpack[DeclaredWrite]) -> Declare[Shop]:
        return self._route("DELETE", path, role, **declared)

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
                methods=methods_of(route.method),
                authorizer=authorizer if route.role else None,
                content_types=route.content_types,
                name=route.handler.__name__,
                cors=ANY_PAGE,
            )(_view(blueprint, route, shop, gatekeeper))
        return blueprint

    def _route(
        self,
        method: str,
        path: str,
        role: Role | None,
        refuses: tuple[str, ...] = (),
        if_match: bool = False,
        takes_token: bool = False,
        scopes: tuple[KeyScope, ...] = (),
        forms: bool = False,
    ) -> Declare[Shop]:
        def declare(handler: Any) -> Any:
            reads = _declared_by(handler)
            route: Route[Shop] = Route(
                method, path, role, handler, reads, refuses, if_match, takes_token, scopes, forms
            )
            self._routes.append(route)
            return handler

        return declare


def _declared_by(handler: Callable[..., Answer[Any]]) -> Reads | None:
    """Return what a handler takes beside the call, by the type of its second parameter."""
    others = [declared for name, declared in handler.__annotations__.items() if name != "return"][1:]
    if not others:
        return None
    [declared] = others
    if not isinstance(declared, UnionType):
        return Reads(declared)
    [model] = set(get_args(declared)) - {NoneType}
    return Reads(model, is_optional=True)


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
                call.ensure_within_link()
            _ensure_condition(route, call)
            answer = _answered(route, call)
            call.note_use()
            return answer.to_response()
        except CloudbashError as error:
            return problem(error)

    return view


def _ensure_condition(route: Route[Shop], call: Call[Shop]) -> None:
    """Check that the request makes a condition if its route needs one, and none if its route cannot check it.

    Raises PreconditionNeeded or IfMatchNotSupported.
    """
    is_made = "if-match" in call.headers
    if is_made and not route.takes_if_match:
        raise IfMatchNotSupported
    if route.needs_if_match and not is_made:
        raise PreconditionNeeded


def _answered(route: Route[Shop], call: Call[Shop]) -> Answer[Any]:
    """Run the handler; a read also says how far its read model was behind in the streams that were named."""
    if route.method != "GET":
        return route.handler(call, *call.read(route.reads))
    min_versions = call.min_versions
    answer = route.handler(call, *call.read(route.reads))
    headers = {**_caching(route, call), **answer.headers}
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
