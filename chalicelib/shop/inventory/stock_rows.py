"""Makes the rows of the availability from what the pools of a ticket type, or of an area, hold together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.inventory.ticket_pool import TicketPool

COUNTS = ("capacity", "available", "held", "sold")


@dataclass(frozen=True, slots=True)
class TypeInArea:
    """What all pools of an area hold of one ticket type; `ceiling` is None if the type has none."""

    id: str
    name: str
    held: int = 0
    sold: int = 0
    ceiling: int | None = None


def area_of(pools: Iterable[TicketPool], area_id: str, name: str, *, is_open: bool) -> JsonObject:
    """Return the stock of an area; until all its pools are open, nothing of it is available."""
    row: JsonObject = {"id": area_id, "name": name, **dict.fromkeys(COUNTS, 0)}
    for pool in pools:
        row["capacity"] += pool.capacity
        row["available"] += max(0, pool.free) if is_open and not pool.closed else 0
        row["held"] += pool.held
        row["sold"] += pool.sold
    return row


def rows_of_area(area: JsonObject, types: Iterable[TypeInArea]) -> list[JsonObject]:
    """Return a row for each ticket type: of the area's stock, as much as the type's ceiling leaves. It has the area."""
    return [
        {
            "id": one.id,
            "name": one.name,
            "capacity": area["capacity"] if one.ceiling is None else min(one.ceiling, area["capacity"]),
            "available": max(0, min(area["available"], _left(one, area["available"]))),
            "held": one.held,
            "sold": one.sold,
            "area": area,
        }
        for one in types
    ]


def rows_of_stock(stock_id: str, values: Mapping[str, str]) -> list[JsonObject]:
    """Return the rows of a stock as Redis has it: one for a ticket type, or one for each of an area."""
    stock: JsonObject = {"id": stock_id, "name": values["name"], **{count: int(values[count]) for count in COUNTS}}
    if "types" not in values:
        return [stock]
    return rows_of_area(stock, (_type_in_area(key, values) for key in values["types"].split()))


def types_in(pools: Iterable[TicketPool], names: Mapping[str, str]) -> list[TypeInArea]:
    """Return what the pools of an area hold of the ticket types of these names."""
    found = []
    opened = [pool for pool in pools if pool.area is not None]
    for key, known_name in names.items():
        of_type = [(pool, one) for pool in opened if pool.area for one in pool.area.ticket_types if str(one.id) == key]
        held = sum(
            hold.quantity for pool, one in of_type for hold in pool.holds.values() if hold.ticket_type_id == one.id
        )
        sold = sum(pool.sold_of.get(one.id, 0) for pool, one in of_type)
        quotas = [pool.quotas[one.id] for pool, one in of_type if one.id in pool.quotas]
        terms = of_type[0][0].terms_of(of_type[0][1].id) if of_type else None
        name = terms.ticket_type_name if terms else known_name
        found.append(TypeInArea(key, name, held, sold, sum(quotas) if quotas else None))
    return found


def _left(one: TypeInArea, available: int) -> int:
    return available if one.ceiling is None else one.ceiling - one.held - one.sold


def _type_in_area(key: str, values: Mapping[str, str]) -> TypeInArea:
    quota = values.get(f"quota:{key}")
    ceiling = None if quota is None else int(quota)
    return TypeInArea(key, values[f"name:{key}"], int(values[f"held:{key}"]), int(values[f"sold:{key}"]), ceiling)
