"""A log that the shop wrote before there were sales makes the same sales, however it comes."""

import pytest

from chalicelib.platform.eventsourcing.codec import aggregate_type_of, recorded
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.verification import canonical
from tests.contract.sales.office import Office
from tests.support.contexts import all_event_classes
from tests.support.recorded_log import RecordedLog, recorded_logs, streams_of


@pytest.mark.parametrize("yesterday", recorded_logs(), ids=lambda one: one.directory.name)
def test_yesterdays_log_becomes_sales_event_by_event_and_at_once(
    office: Office, sales_model: PostgresProjection, yesterday: RecordedLog
) -> None:
    assert office.model is sales_model
    assert all_event_classes()
    streams = streams_of(yesterday.items())
    followed = {
        key: events for key, events in streams.items() if aggregate_type_of(events[0]) in sales_model.aggregate_types
    }
    for stream_id, events in followed.items():
        position = -1
        for event in events:
            sales_model.apply(stream_id, position, [recorded(event)])
            position = event.aggregate_version
    kept = sales_model.read(followed.keys())
    for stream_id, events in followed.items():
        contents = None
        for event in events:
            contents = sales_model.fold(contents, recorded(event))
        assert canonical(kept[stream_id].contents) == canonical(contents)
    tables = {table for one in kept.values() for table in one.contents}
    assert {"sales_orders", "sales_tickets", "sales_refunds", "sales_concerts", "sales_venues"} <= tables
