"""Opens a customer's carts, never more at once than the limit, in one commit with the customer's list of carts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.carts.cart import CART, Cart, CartIsReplaced
from chalicelib.shop.carts.customer_carts import CUSTOMER_CARTS, CustomerCarts, customer_carts_id
from chalicelib.shop.carts.events import CartGivenAgain, UnpaidOrder
from chalicelib.shop.carts.holding import Holding, Period
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.orders.commands import order_hold

DEFAULT_LIMITS = CartLimits()


@dataclass(frozen=True, slots=True)
class OpenedCart:
    """The cart that a request was answered with; `is_new` if the request made it."""

    cart_id: UUID
    version: int
    is_new: bool


def open_cart(repository: Repository, caller: Caller, limits: CartLimits = DEFAULT_LIMITS) -> OpenedCart:
    """Create a cart, or return the customer's newest if there are as many open ones as the limit permits.

    A new cart takes the place of those that are checked out or whose holds have all ended, and takes over what it must
    know of them.
    Raises IdempotencyKeyReused or TooManyChanges.
    """
    request, key = caller.request, customer_carts_id(caller.actor.id)

    def command(session: Session) -> OpenedCart:
        listed = session.load(CUSTOMER_CARTS, key, Load.ASSUME_EMPTY)
        given = listed.given_to(request.id, request.request_hash)
        if given is not None:
            return OpenedCart(given.cart_id, given.cart_version, is_new=False)
        if request.id not in listed.carts:
            listed.bucket.ensure_room(limits.burst, session.now)
        # Whoever has no cart yet cannot have made this one; others cost one read, so that a repeated request is known.
        cart = session.load(CART, request.id, Load.CACHED if listed.carts else Load.ASSUME_EMPTY)
        if cart.customer_id is not None:
            cart.create(caller.actor.id, request.request_hash, session.now)
            return OpenedCart(request.id, 0, is_new=True)
        ended = _ended(session, listed, limits)
        if len(listed.carts) - len(ended) >= limits.open_carts:
            open_ones = [cart_id for cart_id in listed.carts if cart_id not in ended]
            return _give(session, caller, open_ones[-1])
        taken_over = _taken_over(session, list(ended.values()), limits)
        for cart_id, old in ended.items():
            session.append(CART, cart_id, *old.replace_by(request.id, session.now))
        events = listed.list_cart(caller.actor.id, request.id, tuple(ended), session.now)
        session.append(CUSTOMER_CARTS, key, *events)
        created = cart.create(caller.actor.id, request.request_hash, session.now, taken_over)
        session.append(CART, request.id, *created)
        return OpenedCart(request.id, 0, is_new=True)

    return repository.execute(command, caller.origin)


def ensure_listed(session: Session, caller: Caller, cart_id: UUID, limits: CartLimits) -> None:
    """Put a cart of before there were lists on its customer's list, as if it were opened now.

    Raises CartIsReplaced if the customer has other open carts, as many as the limit permits.
    """
    key = customer_carts_id(caller.actor.id)
    listed = session.load(CUSTOMER_CARTS, key)
    if cart_id in listed.carts:
        return
    ended = _ended(session, listed, limits)
    others = [other for other in listed.carts if other not in ended]
    if len(others) >= limits.open_carts:
        raise CartIsReplaced("You have another open cart. Go on with that one.", cart_id=str(others[-1]))
    for other, old in ended.items():
        session.append(CART, other, *old.replace_by(cart_id, session.now))
    session.append(CUSTOMER_CARTS, key, *listed.list_cart(caller.actor.id, cart_id, tuple(ended), session.now))


def settled_orders(session: Session, cart: Cart) -> list[UUID]:
    """Return the orders that were unpaid when the cart was opened, and hold nothing without being paid any more."""
    return [one.order_id for one in cart.holding.unpaid if not _is_unpaid(session, one.order_id)]


def _is_unpaid(session: Session, order_id: UUID) -> bool:
    hold = order_hold(session, order_id)
    return hold is not None and hold.is_unpaid


def _ended(session: Session, listed: CustomerCarts, limits: CartLimits) -> dict[UUID, Cart]:
    """Find the carts that do not count any more; they are asked only if there seem to be too many."""
    if len(listed.carts) < limits.open_carts:
        return {}
    carts = {cart_id: session.load(CART, cart_id) for cart_id in listed.carts}
    return {cart_id: cart for cart_id, cart in carts.items() if not cart.is_in_use(session.now)}


def _give(session: Session, caller: Caller, cart_id: UUID) -> OpenedCart:
    """Answer with a cart that is open, and remember the answer, so that the request can be repeated."""
    session.load(CART, cart_id)
    version = session.version(cart_id)
    given = CartGivenAgain(
        request_id=caller.request.id,
        request_hash=caller.request.request_hash,
        cart_id=cart_id,
        cart_version=version,
        at=session.now,
    )
    session.append(CUSTOMER_CARTS, customer_carts_id(caller.actor.id), given)
    return OpenedCart(cart_id, version, is_new=False)


def _taken_over(session: Session, ended: list[Cart], limits: CartLimits) -> Holding:
    """Return the periods that are not over, and the orders that are not paid, of the carts that are replaced."""
    holding = Holding()
    for cart in ended:
        for concert_id, period in cart.holding.periods.items():
            holding = _joined(holding, concert_id, period)
        for line in cart.lines.values():
            if line.concert_id is not None and line.expires_at is not None:
                ended_at = min(line.expires_at, cart.checked_out_at or line.expires_at)
                holding = holding.with_end(line.concert_id, ended_at)
        holding = _with_orders(session, holding, [*cart.holding.unpaid, *_placed(session, cart)])
    now, unpaid = session.now, {one.concert_id for one in holding.unpaid}
    kept = {k: one for k, one in holding.periods.items() if k in unpaid or now < one.ended_at + limits.cool_down}
    return Holding(kept, holding.unpaid)


def _joined(holding: Holding, concert_id: UUID, period: Period) -> Holding:
    known = holding.periods.get(concert_id, period)
    began_at, ended_at = min(known.began_at, period.began_at), max(known.ended_at, period.ended_at)
    return holding.with_period(concert_id, Period(began_at, ended_at))


def _placed(session: Session, cart: Cart) -> list[UnpaidOrder]:
    """Return what the cart's order holds, or held until its deadline, without being paid."""
    hold = None if cart.order_id is None else order_hold(session, cart.order_id)
    if hold is None or cart.order_id is None or hold.was_paid:
        return []
    quantities: dict[UUID, int] = {}
    for line in cart.lines.values():
        if line.concert_id is not None:
            quantities[line.concert_id] = quantities.get(line.concert_id, 0) + line.quantity
    held_until = hold.held_until if hold.is_unpaid else min(hold.held_until, session.now)
    return [_unpaid(cart.order_id, concert_id, number, held_until) for concert_id, number in quantities.items()]


def _unpaid(order_id: UUID, concert_id: UUID, quantity: int, held_until: datetime) -> UnpaidOrder:
    return UnpaidOrder(order_id=order_id, concert_id=concert_id, quantity=quantity, held_until=held_until)


def _with_orders(session: Session, holding: Holding, orders: list[UnpaidOrder]) -> Holding:
    """Add the orders that hold their tickets; those that do not any more end the period of their concert."""
    for order in orders:
        if session.now < order.held_until:
            holding = Holding(holding.periods, (*holding.unpaid, order))
        else:
            holding = holding.with_end(order.concert_id, order.held_until)
    return holding
