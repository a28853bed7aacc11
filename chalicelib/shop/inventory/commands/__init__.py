"""The commands on the stock, for other contexts and for the work queue."""

from chalicelib.shop.inventory.allowance import allowance_id
from chalicelib.shop.inventory.commands.areas import AreaOffer, TicketTypeOfArea, area_openings
from chalicelib.shop.inventory.commands.capacity import Committed, change_capacity, largest_capacity
from chalicelib.shop.inventory.commands.closing import are_cleared, clear_pool, close_pools, list_uncleared, orders_in
from chalicelib.shop.inventory.commands.giveaways import give_away
from chalicelib.shop.inventory.commands.holds import (
    HeldTickets,
    extend,
    hold_tickets,
    place_on_order,
    release,
    sell,
)
from chalicelib.shop.inventory.commands.lapsed_holds import record_lapsed_holds
from chalicelib.shop.inventory.commands.late_sales import Purchase, StockGone, sell_late
from chalicelib.shop.inventory.commands.lost_holds import Lost, why_lost
from chalicelib.shop.inventory.commands.moves import (
    FreePlace,
    count_place,
    find_place,
    hold_place,
    rename_bought,
    sell_place,
    share_a_stock,
)
from chalicelib.shop.inventory.commands.offers import (
    LARGEST_OFFER,
    Offer,
    Opening,
    is_entrance,
    open_pools,
    openings,
    pools_of,
)
from chalicelib.shop.inventory.commands.returns import Return, shares_of, take_back
from chalicelib.shop.inventory.commands.selling_out import sold_in
from chalicelib.shop.inventory.commands.terms import change_terms, terms_of_hold
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut

__all__ = [
    "LARGEST_OFFER",
    "AreaOffer",
    "Committed",
    "FreePlace",
    "HeldTickets",
    "Lost",
    "Offer",
    "Opening",
    "Purchase",
    "Return",
    "StockGone",
    "TicketTypeOfArea",
    "TicketsSoldOut",
    "allowance_id",
    "are_cleared",
    "area_openings",
    "change_capacity",
    "change_terms",
    "clear_pool",
    "close_pools",
    "count_place",
    "extend",
    "find_place",
    "give_away",
    "hold_place",
    "hold_tickets",
    "is_entrance",
    "largest_capacity",
    "list_uncleared",
    "open_pools",
    "openings",
    "orders_in",
    "place_on_order",
    "pools_of",
    "record_lapsed_holds",
    "release",
    "rename_bought",
    "sell",
    "sell_late",
    "sell_place",
    "share_a_stock",
    "shares_of",
    "sold_in",
    "take_back",
    "terms_of_hold",
    "why_lost",
]
