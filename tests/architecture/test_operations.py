"""Alarms, metrics and runbooks belong together: what is watched is measured, and who is woken up finds what to do."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.app import ScheduledEventConfig

import app
from chalicelib.functions import FOLLOWERS, FUNCTIONS
from chalicelib.platform.function import Schedule
from infra import alarms, dashboard
from infra.alarms import Alarm, Metric
from infra.names import logical_id, physical_name
from infra.template import merge_template

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
CONFIG = json.loads((ROOT / ".chalice" / "config.json").read_text())

ALARMS = {alarm.logical_id: alarm for alarm in alarms.alarms(FUNCTIONS)}

SCHEDULED = {logical_id(one) for one in FUNCTIONS.values() if isinstance(one.trigger, Schedule)}

COUNTED_BY: dict[str, set[str]] = {
    "TicketsHeld": {"APIHandler"},
    "TicketsSold": {"APIHandler", "Work"},
    "LostRaces": {"APIHandler", "Work", "RecordLapsedHolds"},
    "RefusedSoldOut": {"APIHandler"},
    "RefusedLimit": {"APIHandler"},
    "RefusedDeclines": {"APIHandler"},
    "TamperedRecords": {"ForwardEvents"},
    "ProjectionLag": {*map(logical_id, FOLLOWERS), "VerifyReadModels"},
    "ParkedStreams": {"VerifyReadModels"},
    "UnreadableRecords": {"VerifyReadModels"},
    "StreamsBehind": {"VerifyReadModels"},
    "WatchdogDelay": {"RetryOverdue"},
    "WebhookDelay": {"RetryWebhooks"},
    "WebhookFailures": {"DeliverWebhooks"},
    "MailDelay": {"RetryMails"},
    "MailsSent": {"SendMails"},
    "MailsRefused": {"SendMails"},
    "MailsBounced": {"SendMails"},
    "MailsUnwanted": {"SendMails"},
    "MailsUnknown": {"SendMails"},
    "StuckProcesses": {"RetryOverdue"},
    "MoneyDifferences": {"ReconcileMoney"},
    "PassCertificateEnds": {"APIHandler"},
    "CertificatesContradicted": {"CertifySoldTickets"},
    "Misconfigured": {*map(logical_id, FUNCTIONS.values())},
}
"""Our metrics, and the functions that print them."""

OF_AWS: dict[str, tuple[set[tuple[str, ...]], set[str]]] = {
    "AWS/Lambda": (
        {("FunctionName",)},
        {"Errors", "Throttles", "Invocations", "IteratorAge", "Duration", "ConcurrentExecutions"},
    ),
    "AWS/ApiGateway": ({("ApiName", "Stage")}, {"Count", "4XXError", "5XXError", "Latency"}),
    "AWS/DynamoDB": (
        {("TableName",)},
        {"ReadThrottleEvents", "WriteThrottleEvents", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"},
    ),
    "AWS/SQS": ({("QueueName",)}, {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}),
}
"""What AWS measures by itself, under which dimensions, as its documentation has it."""

Json = dict[str, Any]


def metrics_of(alarm: Alarm) -> list[Metric]:
    return [alarm.metric] if isinstance(alarm.metric, Metric) else list(alarm.metric.values())


def shown() -> Iterator[Metric]:
    """The metrics of the dashboard."""
    body = json.loads(dashboard.resource(FUNCTIONS)["Properties"]["DashboardBody"]["Fn::Sub"])
    for widget in body["widgets"]:
        for namespace, name, *rest in widget["properties"].get("metrics", []):
            pairs = zip(rest[:-1:2], rest[1:-1:2], strict=True)
            dimensions = tuple((key, {"Ref": value[2:-1]} if "." not in value else value) for key, value in pairs)
            yield Metric(namespace, name, dimensions, rest[-1]["stat"])


EVERY_METRIC = {(metric.namespace, metric.name, repr(metric.dimensions)): metric for metric in shown()} | {
    (metric.namespace, metric.name, repr(metric.dimensions)): metric
    for alarm in ALARMS.values()
    for metric in metrics_of(alarm)
}


def anchors(text: str) -> list[str]:
    """Of the headings, as GitHub makes them."""
    return [
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    ]


# Metrics


def test_every_metric_that_the_code_counts_is_in_the_table() -> None:
    counted = set()
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"metrics.count", "metrics.highest"}:
                name = node.args[0]
                counted |= {name.value} if isinstance(name, ast.Constant) else set()
    from chalicelib.platform.http.problems import _METRIC_OF_CODE  # noqa: PLC0415 - the only names that are looked up

    assert counted | set(_METRIC_OF_CODE.values()) == COUNTED_BY.keys()


@pytest.mark.parametrize("metric", EVERY_METRIC.values(), ids=lambda metric: f"{metric.name} {metric.dimensions}")
def test_what_is_watched_or_shown_is_measured(metric: Metric) -> None:
    names = tuple(name for name, _ in metric.dimensions)
    if metric.name == "ChainFaults":
        assert (metric.namespace, names) == ("Cloudbash", ("Stage",))
    elif metric.namespace == "Cloudbash":
        assert names == ("Function",)
        assert metric.dimensions[0][1]["Ref"] in COUNTED_BY[metric.name]
    elif metric.name == "SystemErrors":
        assert (metric.namespace, names) == ("AWS/DynamoDB", ("TableName", "Operation"))
    else:
        dimensions, measured = OF_AWS[metric.namespace]
        assert names in dimensions
        assert metric.name in measured


def test_every_metric_of_ours_is_shown() -> None:
    assert {metric.name for metric in shown() if metric.namespace == "Cloudbash"} == COUNTED_BY.keys() - {
        "TamperedRecords"
    }


def test_metrics_and_lines_are_not_filtered_out_and_are_one_object_each() -> None:
    for name in map(logical_id, FUNCTIONS.values()):
        logging = merge_template()["Resources"][name]["Properties"]["LoggingConfig"]
        assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", "INFO")


# Alarms


def test_every_function_is_watched() -> None:
    for name in map(logical_id, FUNCTIONS.values()):
        assert {f"{name}ErrorsAlarm", f"{name}ThrottlesAlarm"} <= ALARMS.keys()


def test_every_reader_of_a_stream_is_watched_long_before_the_stream_forgets() -> None:
    readers = {
        handler.name.title().replace("_", "")
        for handler in app.app.event_sources
        if type(handler).__name__ in {"DynamoDBEventConfig", "KinesisEventConfig"}
    }
    assert readers == {name.removesuffix("DelayAlarm") for name in ALARMS if name.endswith("DelayAlarm")}
    hours = {name: ALARMS[f"{name}RetentionAlarm"].threshold / 1000 / 3600 for name in readers}
    bus = merge_template()["Resources"]["EventBus"]["Properties"]["RetentionPeriodHours"]
    assert hours == {name: 12 if name == "ForwardEvents" else bus / 2 for name in readers}


def test_every_scheduled_function_is_missed() -> None:
    scheduled = {
        handler.name.title().replace("_", "")
        for handler in app.app.event_sources
        if isinstance(handler, ScheduledEventConfig)
    }
    assert scheduled == SCHEDULED


def test_what_runs_once_a_day_is_missed_before_the_day_after_and_fails_by_one_error() -> None:
    daily = {
        logical_id(one) for one in FUNCTIONS.values() if isinstance(one.trigger, Schedule) and one.trigger.is_daily
    }
    assert daily == {"ReconcileMoney"}
    for name in SCHEDULED:
        silent, hours = ALARMS[f"{name}SilentAlarm"], 26 if name in daily else 0.25
        assert (silent.period * silent.periods / 3600, silent.datapoints) == (hours, silent.periods)
        assert ALARMS[f"{name}ErrorsAlarm"].threshold == (1 if name in daily else 3)


def test_a_quiet_shop_raises_no_alarm() -> None:
    """Nothing happens but what is scheduled: no metric is missed but theirs, and zero is under every threshold."""
    for alarm in ALARMS.values():
        if alarm.logical_id.endswith("SilentAlarm"):
            assert alarm.logical_id.removesuffix("SilentAlarm") in SCHEDULED
            continue
        assert alarm.missing != "breaching", alarm.logical_id
        assert not alarm.is_below, alarm.logical_id
        assert alarm.threshold > 0, alarm.logical_id
    assert ALARMS["HttpLatencyAlarm"].few_samples == "ignore"


def test_what_lasts_until_somebody_acts_is_measured_while_it_lasts() -> None:
    """An alarm that keeps its state over missing data must hear of the end; over DynamoDB's every alarm does."""
    lasting = {alarm.logical_id for alarm in ALARMS.values() if alarm.missing == "ignore"}
    of_dynamodb = {
        alarm.logical_id: alarm
        for alarm in ALARMS.values()
        if any(metric.namespace == "AWS/DynamoDB" for metric in metrics_of(alarm))
    }
    assert (
        lasting
        == {
            "ParkedAlarm",
            "UnreadableAlarm",
            "DeadLettersAlarm",
            "WebhookDeadLettersAlarm",
            "MailDeadLettersAlarm",
            "ChainAlarm",
            "RefundsStuckAlarm",
            "MoneyDiffersAlarm",
        }
        | of_dynamodb.keys()
    )
    for alarm in of_dynamodb.values():
        assert isinstance(alarm.metric, dict)
        assert set(re.findall(r"FILL\((\w+), 0\)", alarm.expression)) == alarm.metric.keys()


def test_every_alarm_has_a_name_of_its_stage_and_tells_the_topic() -> None:
    resources = merge_template()["Resources"]
    assert {name for name, one in resources.items() if one.get("Type") == "AWS::CloudWatch::Alarm"} == ALARMS.keys()
    for name in ALARMS:
        properties = resources[name]["Properties"]
        assert properties["AlarmName"]["Fn::Sub"].startswith("cloudbash-${Stage}-")
        assert properties["AlarmActions"] == properties["OKActions"] == [{"Ref": "AlarmTopic"}]


def test_the_api_is_watched_under_its_name_and_stage() -> None:
    definition = merge_template()["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    assert definition["info"]["title"] == {"Fn::Sub": alarms.API_NAME}
    assert CONFIG["api_gateway_stage"] == alarms.API_STAGE


# Runbooks


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm() -> None:
    named = {alarm.runbook for alarm in ALARMS.values()}
    listed = set(re.findall(r"\(#([\w-]+)\)", OPERATIONS.partition("\n## ")[0]))
    assert listed == named
    assert named <= set(anchors(OPERATIONS))


def test_every_alarm_is_listed_by_its_name() -> None:
    """`*` stands for the names of functions."""
    functions = "|".join(map(physical_name, FUNCTIONS.values()))
    names = {re.sub(rf"^({functions})-", "*-", alarm.name) for alarm in ALARMS.values()}
    assert set(re.findall(r"^\| `([^`]+)`", OPERATIONS.partition("\n## ")[0], re.MULTILINE)) == names


def test_the_description_of_an_alarm_leads_to_its_runbook() -> None:
    for name, alarm in ALARMS.items():
        description = merge_template()["Resources"][name]["Properties"]["AlarmDescription"]
        assert description.endswith(f"docs/operations.md#{alarm.runbook}")
        assert len(description) <= 1024
