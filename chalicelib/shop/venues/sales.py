"""Projects venues into the sales, which need their names and time zones."""

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.postgres.tables import Change, taken_over
from chalicelib.shop.venues.events import VenueEvent
from chalicelib.shop.venues.projections import project_venue

_COLUMNS = {"venues": ("sales_venues", frozenset({"version", "name", "time_zone"}))}


def project_venue_of_sales(recorded: RecordedEvent) -> list[Change]:
    return taken_over(project_venue(recorded), _COLUMNS)


PROJECTORS = {VenueEvent.aggregate_type: project_venue_of_sales}
