"""Which records each function is given, and what becomes of those that fail."""

from chalice.app import ScheduledEventConfig

import app
from chalicelib.functions import FUNCTIONS, handler_of
from tests.architecture.package.template import Json


def test_lambda_names_every_function_as_its_parts_are_named(functions: Json) -> None:
    assert {function["Handler"] for function in functions.values()} == {
        f"app.{handler_of(one)}" for one in FUNCTIONS.values()
    }


def test_every_event_handler_has_its_event_source(event_sources: list[Json]) -> None:
    handlers = [handler for handler in app.app.event_sources if not isinstance(handler, ScheduledEventConfig)]
    expected = {handler.name.title().replace("_", "") for handler in handlers}
    assert {source["FunctionName"]["Ref"] for source in event_sources} == expected
    assert len(event_sources) == len(expected)


def test_every_event_source_reports_which_records_failed(event_sources: list[Json]) -> None:
    for source in event_sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], source


def test_workers_leave_the_payment_provider_room_to_breathe(event_sources: list[Json]) -> None:
    [source] = [source for source in event_sources if source["FunctionName"]["Ref"] == "Work"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 50}


WORKERS = {"Work", "DeliverWebhooks", "SendMails"}


def streams_in(event_sources: list[Json]) -> list[Json]:
    """Those that read a stream; a queue has no order, no beginning and a policy of its own."""
    return [source for source in event_sources if source["FunctionName"]["Ref"] not in WORKERS]


def test_no_event_source_gives_up(event_sources: list[Json]) -> None:
    for source in streams_in(event_sources):
        assert source["MaximumRetryAttempts"] == -1, source
        assert source["MaximumRecordAgeInSeconds"] == -1, source
        assert source["BisectBatchOnFunctionError"] is True, source


def test_every_event_source_begins_with_the_oldest_record(event_sources: list[Json]) -> None:
    for source in streams_in(event_sources):
        assert source["StartingPosition"] == "TRIM_HORIZON", source


def test_no_event_source_leaves_a_record_out(event_sources: list[Json]) -> None:
    for source in event_sources:
        assert "FilterCriteria" not in source, source


FAN_OUT_OR_BUS: Json = {"Fn::If": ["HasFanOut", {"Ref": "AvailabilityFanOut"}, {"Fn::GetAtt": ["EventBus", "Arn"]}]}


def test_the_log_feeds_the_forwarder_and_the_bus_feeds_the_projections(event_sources: list[Json]) -> None:
    others: Json = {
        "ForwardEvents": {"Fn::GetAtt": ["EventsTable", "StreamArn"]},
        "ArchiveEvents": {"Fn::Sub": "${ArchiveReader.ConsumerARN}"},
        "ProjectAvailability": {"Fn::Sub": ["${Source}", {"Source": FAN_OUT_OR_BUS}]},
    }
    for source in streams_in(event_sources):
        stream = others.get(source["FunctionName"]["Ref"], {"Fn::Sub": "${EventBus.Arn}"})
        assert source["EventSourceArn"] == stream, source


def test_no_more_functions_share_the_bus_than_kinesis_lets_read_it_each_second(event_sources: list[Json]) -> None:
    sharing = [source for source in event_sources if source["EventSourceArn"] == {"Fn::Sub": "${EventBus.Arn}"}]
    assert len(sharing) <= 5
