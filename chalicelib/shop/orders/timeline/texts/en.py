"""The texts in English. `{By}` is who did it, `{tickets}` the quantity in words; the other names are those of facts."""

from collections.abc import Mapping

BY: Mapping[str, str] = {
    "you": "You",
    "customer": "The customer",
    "organiser": "The organiser",
    "shop": "The shop",
    "door": "The door",
}


def tickets(quantity: int) -> str:
    return "1 ticket" if quantity == 1 else f"{quantity} tickets"


TEXTS: Mapping[str, str] = {
    "cart_opened": "{By} opened a cart.",
    "tickets_held": "{By} put {quantity} × {ticket_type_name} for {concert_name} into the cart, held until {until}.",
    "holds_extended": "{By} had the tickets held until {until}.",
    "tickets_removed": "{By} took {quantity} × {ticket_type_name} out of the cart.",
    "hold_lapsed": "The hold of {quantity} × {ticket_type_name} ended, because nothing was bought in time.",
    "order_placed": "{By} ordered {tickets}, to be paid by {due_at}.",
    "tickets_given_away": "{By} gave {tickets} away.",
    "order_imported": "The order was taken over from another shop.",
    "buyer_corrected": "{By} corrected the buyer's name or address.",
    "buyer_erased": "The buyer's name and address were erased.",
    "link_issued": "{By} had a new link to the order made. Those of before are not valid any more.",
    "order_joined": "The order was joined to an account.",
    "payment_started": "{By} started a payment.",
    "payment_failed": "The payment failed, and no money was taken.",
    "order_confirmed": "The order was confirmed with {tickets}.",
    "payment_returned": "A payment arrived that the order could not use any more. It goes back.",
    "refund_granted": "{By} had {amount} given back and {tickets} revoked: {reason}",
    "refund_started": "A refund of {amount} was started: {reason}",
    "refund_reduced": "The refund is down to {amount}, because the rest went back at the payment provider already.",
    "refund_completed": "The refund of {amount} was made.",
    "refund_retried": "The refund of {amount} failed: {reason} It is tried again at {retry_at}.",
    "refund_failed": "The refund of {amount} failed: {reason} The shop sees to it.",
    "refund_recorded": "{amount} were given back at the payment provider: {reason}",
    "dispute_opened": "The buyer disputes the payment, and {amount} are away until that is decided.",
    "dispute_won": "The dispute was decided for the shop, and the money stays.",
    "dispute_lost": "The dispute was decided for the buyer, and the money is gone.",
    "order_settled": "{By} ended what the order was waiting for, as {outcome}: {reason}",
    "order_expired": "The order was not paid in time. Its tickets were given back.",
    "order_cancelled": "The order was cancelled: {reason}",
    "move_started": "{By} asked to move {tickets}, for {supplement} to be paid by {due_at}.",
    "move_ended": "The move was not paid in time, and nothing was moved.",
    "tickets_moved": "{By} moved {tickets}: {reason}",
    "tickets_reissued": "{By} had {tickets} given a new code. The code of before admits nobody any more.",
    "tickets_revoked": "{By} revoked {tickets} of the order: {reason}",
    "ticket_checked_in": "Somebody was let in with a ticket of the order.",
    "ticket_left": "Somebody who had come in with a ticket of the order went out.",
    "scan_undone": "A scan of a ticket of the order was undone, and does not count.",
    "concert_moved": "{By} moved {concert_name} to {starts_at}. Tickets stay valid.",
    "concert_postponed": "{By} postponed {concert_name}; it has no date yet. Tickets stay valid.",
    "mail_bounced": "A mail to the buyer came back ({mail}): there is nobody at the address.",
    "mail_unwanted": "The buyer called a mail unwanted ({mail}), and gets no more reminders.",
    "concert_cancelled": "{By} cancelled {concert_name}.",
}
