"""Projects concerts and their ticket types into the sales, as far as organisers' figures need them."""

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.postgres.tables import Change, taken_over
from chalicelib.shop.concerts.events import ConcertEvent
from chalicelib.shop.concerts.projections import project_concert

_OF_CONCERTS = frozenset({"version", "status", "organiser_id", "name", "starts_at"})
_OF_CONCERTS |= {"venue_id", "venue_name", "venue_time_zone"}
_OF_TYPES = frozenset({"added_at_version", "name", "price_amount", "price_currency", "quantity", "area_id"})
_OF_TYPES |= {"sales_start"}
_COLUMNS = {"concerts": ("sales_concerts", _OF_CONCERTS), "ticket_types": ("sales_ticket_types", _OF_TYPES)}


def project_concert_of_sales(recorded: RecordedEvent) -> list[Change]:
    return taken_over(project_concert(recorded), _COLUMNS)


PROJECTORS = {ConcertEvent.aggregate_type: project_concert_of_sales}
