"""The names under which events are stored: a promise to every log that exists."""

from chalicelib.platform.eventsourcing.event import EVENT_CLASSES
from tests.support.contexts import all_aggregates, all_event_classes

STORED_NAMES = {
    "Cloudbash.Domain.Access.Events.AccountDisabledEvent": "Account",
    "Cloudbash.Domain.Access.Events.AccountEnabledEvent": "Account",
    "Cloudbash.Domain.Access.Events.ApiKeyCreatedEvent": "ApiKey",
    "Cloudbash.Domain.Access.Events.ApiKeyListedEvent": "Team",
    "Cloudbash.Domain.Access.Events.ApiKeyRevokedEvent": "ApiKey",
    "Cloudbash.Domain.Access.Events.ApiKeyUnlistedEvent": "Team",
    "Cloudbash.Domain.Access.Events.DoorGrantedEvent": "Account",
    "Cloudbash.Domain.Access.Events.DoorRevokedEvent": "Account",
    "Cloudbash.Domain.Access.Events.InvitationRevokedEvent": "Team",
    "Cloudbash.Domain.Access.Events.MemberInvitedEvent": "Team",
    "Cloudbash.Domain.Access.Events.MemberJoinedEvent": "Team",
    "Cloudbash.Domain.Access.Events.MemberLeftEvent": "Team",
    "Cloudbash.Domain.Access.Events.PersonErasedEvent": "Account",
    "Cloudbash.Domain.Access.Events.GuestJoinedEvent": "Account",
    "Cloudbash.Domain.Access.Events.RoleGrantedEvent": "Account",
    "Cloudbash.Domain.Access.Events.RoleRevokedEvent": "Account",
    "Cloudbash.Domain.Access.Events.TeamJoinedEvent": "Account",
    "Cloudbash.Domain.Access.Events.TeamLeftEvent": "Account",
    "Cloudbash.Domain.Carts.Events.CartCheckedOutEvent": "Cart",
    "Cloudbash.Domain.Carts.Events.CartCreatedEvent": "Cart",
    "Cloudbash.Domain.Carts.Events.CartGivenAgainEvent": "CustomerCarts",
    "Cloudbash.Domain.Carts.Events.CartHoldsExtendedEvent": "Cart",
    "Cloudbash.Domain.Carts.Events.CartItemAddedEvent": "Cart",
    "Cloudbash.Domain.Carts.Events.CartItemRemovedEvent": "Cart",
    "Cloudbash.Domain.Carts.Events.CartListedEvent": "CustomerCarts",
    "Cloudbash.Domain.Carts.Events.CartReplacedEvent": "Cart",
    "Cloudbash.Domain.Concerts.Events.ConcertCancellationCompletedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertCancelledEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertCapacityChangeRefusedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertCapacityChangeStartedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertCapacityChangedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertCreatedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertDeletedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertDetailsChangedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertMovedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertPostponedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertPublishedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertSalesClosedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertSalesOpenedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertScheduledEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertTermsAppliedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertTermsChangedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertTicketTypeAddedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertTicketTypeChangedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertTicketTypeRemovedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertAreaAddedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertAreaCapacityChangeRefusedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertAreaCapacityChangeStartedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertAreaCapacityChangedEvent": "Concert",
    "Cloudbash.Domain.Concerts.Events.ConcertAreaRemovedEvent": "Concert",
    "Cloudbash.Domain.Inventory.Events.AreaPoolOpenedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketTypeAssignedToAreaEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketTypeQuotaChangedEvent": "TicketPool",
    "Cloudbash.Domain.Concerts.Events.ConcertVenueDescribedEvent": "Concert",
    "Cloudbash.Domain.Inventory.Events.AllowanceReturnedEvent": "Allowance",
    "Cloudbash.Domain.Inventory.Events.AllowanceTakenEvent": "Allowance",
    "Cloudbash.Domain.Inventory.Events.HoldExtendedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.HoldPlacedOnOrderEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.HoldReleasedEvent": "TicketPool",
    "Cloudbash.Domain.Concerts.Events.ConcertPoolsClosedEvent": "Concert",
    "Cloudbash.Domain.Inventory.Events.HoldsLapsedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketPoolCapacityChangedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketPoolClearedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketPoolClosedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketPoolOpenedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketPoolTermsChangedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketsHeldEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketsSoldEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.TicketsReturnedEvent": "TicketPool",
    "Cloudbash.Domain.Inventory.Events.BoughtAllowanceReturnedEvent": "Allowance",
    "Cloudbash.Domain.Orders.Events.RefundGrantedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.TicketMoveEndedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.TicketMoveStartedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.TicketsMovedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.BuyerCorrectedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.BuyerErasedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.RefundPolicySetEvent": "RefundPolicy",
    "Cloudbash.Domain.Orders.Events.DisputeLostEvent": "Order",
    "Cloudbash.Domain.Orders.Events.DisputeOpenedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.DisputeWonEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderCancelledEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderConfirmedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderCreatedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderExpiredEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderPlacedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderLinkIssuedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderJoinedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.OrderSettledEvent": "Order",
    "Cloudbash.Domain.Orders.Events.PaymentFailedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.PaymentStartedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.PaymentSucceededEvent": "Order",
    "Cloudbash.Domain.Orders.Events.RefundCompletedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.RefundFailedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.RefundRecordedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.RefundReducedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.RefundStartedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.DoorRulesSetEvent": "Doors",
    "Cloudbash.Domain.Orders.Events.OfflineScanRecordedEvent": "Ticket",
    "Cloudbash.Domain.Orders.Events.TicketCheckInUndoneEvent": "Ticket",
    "Cloudbash.Domain.Orders.Events.TicketExitedEvent": "Ticket",
    "Cloudbash.Domain.Orders.Events.TicketKeyRevokedEvent": "Doors",
    "Cloudbash.Domain.Orders.Events.SoldTicketsCertifiedEvent": "SoldCounter",
    "Cloudbash.Domain.Orders.Events.TicketKeyRotatedEvent": "Doors",
    "Cloudbash.Domain.Orders.Events.TicketsReissuedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.TicketCheckedInEvent": "Ticket",
    "Cloudbash.Domain.Orders.Events.TicketRevocationCompletedEvent": "Order",
    "Cloudbash.Domain.Orders.Events.TicketRevokedEvent": "Ticket",
    "Cloudbash.Domain.Orders.Events.TicketsRevokedEvent": "Order",
    "Cloudbash.Domain.Users.Events.UserAuthenticatedEvent": "Account",
    "Cloudbash.Domain.Users.Events.UserCreatedEvent": "Account",
    "Cloudbash.Domain.Venues.Events.VenueCreatedEvent": "Venue",
    "Cloudbash.Domain.Venues.Events.VenueDeletedEvent": "Venue",
    "Cloudbash.Domain.Venues.Events.VenueDetailsChangedEvent": "Venue",
    "Cloudbash.Domain.Webhooks.Events.ConcertSoldOutEvent": "SoldOut",
    "Cloudbash.Domain.Webhooks.Events.WebhookEndpointChangedEvent": "WebhookEndpoints",
    "Cloudbash.Domain.Webhooks.Events.WebhookEndpointCreatedEvent": "WebhookEndpoints",
    "Cloudbash.Domain.Webhooks.Events.WebhookEndpointDeletedEvent": "WebhookEndpoints",
    "Cloudbash.Domain.Webhooks.Events.WebhookEndpointDisabledEvent": "WebhookEndpoints",
    "Cloudbash.Domain.Webhooks.Events.WebhookEndpointEnabledEvent": "WebhookEndpoints",
    "Cloudbash.Domain.Webhooks.Events.WebhookReplayRequestedEvent": "WebhookEndpoints",
    "Cloudbash.Domain.Webhooks.Events.WebhookSecretRotatedEvent": "WebhookEndpoints",
}


def test_the_stored_names_are_exactly_these() -> None:
    """Add the name of a new event here; never change or remove one: stored events are never rewritten."""
    assert {cls.stored_name: cls.aggregate_type for cls in all_event_classes()} == STORED_NAMES


def test_an_event_is_found_by_its_stored_name_and_by_no_other() -> None:
    for cls in all_event_classes():
        assert EVENT_CLASSES.get(cls.stored_name) is cls
        assert EVENT_CLASSES.get(cls.__name__) is None


def test_every_event_belongs_to_an_aggregate_that_folds_it() -> None:
    names = {aggregate.name for aggregate in all_aggregates()}
    assert {cls.aggregate_type for cls in all_event_classes()} <= names


def test_every_shape_but_the_last_has_a_way_to_the_next() -> None:
    """An event that is raised to schema version 3 needs upcasters from 1 and 2; from 0 only where the original's shape
    does not fit as it is."""
    for cls in all_event_classes():
        assert set(range(1, cls.schema_version)) <= cls.upcasters.keys() <= set(range(cls.schema_version))
