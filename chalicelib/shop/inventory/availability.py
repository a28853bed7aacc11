"""Changes the availability in memory: each operation does what its namesake in `availability.lua` does in Redis.

Counts are texts, as Redis has them. Empty hashes and sets are removed, because Redis has none.
"""

from collections.abc import Callable, Mapping

from chalicelib.platform.readmodels.port import Contents


def change(contents: Contents, operation: str, *arguments: str | int) -> None:
    """Do one operation to the contents, in place."""
    OPERATIONS[operation](contents, *arguments)
    for part in [part for part, value in contents.items() if value == {}]:
        del contents[part]
    contents.pop("first_deadline", None)
    if "deadlines" in contents:
        contents["first_deadline"] = min(contents["deadlines"].values())


def _publish(contents: Contents, pools: str) -> None:
    contents["concert"] = pools


def _add_pools(contents: Contents, pools: str) -> None:
    contents["concert"] = f"{contents['concert']} {pools}" if contents.get("concert") else pools


def _withdraw(contents: Contents) -> None:
    contents.pop("concert", None)
    contents.pop("sales", None)


def _say(contents: Contents, what: str, value: str) -> None:
    contents.setdefault("sales", {})[what] = value


def _unsay(contents: Contents, what: str) -> None:
    contents.get("sales", {}).pop(what, None)


def _advance(contents: Contents, at: int) -> None:
    pool = contents.setdefault("pool", {})
    now = max(at, int(pool.get("at", at)))
    pool["at"] = str(now)
    for hold in [hold for hold, deadline in contents.get("deadlines", {}).items() if deadline <= now]:
        _end_hold(contents, hold)


def _open(contents: Contents, ticket_type: str, name: str, capacity: int) -> None:
    contents.setdefault("pool", {}).update(type=ticket_type, name=name, capacity=str(capacity))


def _rename(contents: Contents, ticket_type: str, name: str) -> None:
    pool = contents.setdefault("pool", {})
    pool["name" if pool.get("type") == ticket_type else f"name:{ticket_type}"] = name


def _offer(contents: Contents, ticket_type: str, name: str, quota: str) -> None:
    pool = contents.setdefault("pool", {})
    types = pool.get("types", "").split()
    pool["types"] = " ".join(dict.fromkeys([*types, ticket_type]))
    pool[f"name:{ticket_type}"] = name
    if quota:
        pool[f"quota:{ticket_type}"] = quota


def _move_quota(contents: Contents, ticket_type: str, by: int) -> None:
    if f"quota:{ticket_type}" in contents.get("pool", {}):
        _count(contents, f"quota:{ticket_type}", by)


def _hold(contents: Contents, hold: str, quantity: int, deadline: int, ticket_type: str) -> None:
    _end_hold(contents, hold)
    if ticket_type:
        _count(contents, f"held:{ticket_type}", quantity)
        contents.setdefault("types", {})[hold] = ticket_type
    _count(contents, "held", quantity)
    contents.setdefault("quantities", {})[hold] = str(quantity)
    contents.setdefault("deadlines", {})[hold] = deadline


def _extend(contents: Contents, hold: str, deadline: int) -> None:
    if hold in contents.get("deadlines", {}):
        contents["deadlines"][hold] = deadline


def _end_hold(contents: Contents, hold: str) -> None:
    if hold in contents.get("quantities", {}):
        quantity = int(contents["quantities"].pop(hold))
        _count(contents, "held", -quantity)
        if hold in contents.get("types", {}):
            _count(contents, f"held:{contents['types'].pop(hold)}", -quantity)
        contents["deadlines"].pop(hold, None)


def _sell(contents: Contents, hold: str, quantity: int, ticket_type: str) -> None:
    _end_hold(contents, hold)
    _count(contents, "sold", quantity)
    if ticket_type:
        _count(contents, f"sold:{ticket_type}", quantity)


def _take_back(contents: Contents, quantity: int, ticket_type: str) -> None:
    _count(contents, "sold", -quantity)
    if f"sold:{ticket_type}" in contents.get("pool", {}):
        _count(contents, f"sold:{ticket_type}", -quantity)


def _resize(contents: Contents, by: int) -> None:
    _count(contents, "capacity", by)


def _close(contents: Contents) -> None:
    contents.setdefault("pool", {})["closed"] = "1"


def _count(contents: Contents, what: str, by: int) -> None:
    pool = contents.setdefault("pool", {})
    pool[what] = str(int(pool.get(what, 0)) + by)


OPERATIONS: Mapping[str, Callable[..., None]] = {
    "publish": _publish,
    "add_pools": _add_pools,
    "withdraw": _withdraw,
    "say": _say,
    "unsay": _unsay,
    "advance": _advance,
    "open": _open,
    "offer": _offer,
    "move_quota": _move_quota,
    "rename": _rename,
    "hold": _hold,
    "extend": _extend,
    "release": _end_hold,
    "sell": _sell,
    "take_back": _take_back,
    "resize": _resize,
    "close": _close,
}
