"""Defines one page that shows the state of the shop."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.platform.function import Function
from infra.alarms import Metric, alarms, of_a_queue, of_lambda, of_the_api, of_the_log, ours
from infra.names import logical_id

Json = dict[str, Any]

WIDTH, HEIGHT, PERIOD = 12, 6, 60
"""A graph has half of the 24 columns; the period is in seconds."""

REFUSALS = ("RefusedSoldOut", "RefusedLimit", "RefusedDeclines")

_OF_MAILS = ("MailsSent", "MailsRefused", "MailsUnknown", "MailsBounced", "MailsUnwanted")

STILL = (
    "TamperingAlarm",
    "ChainAlarm",
    "ParkedAlarm",
    "UnreadableAlarm",
    "DeadLettersAlarm",
    "WebhookDeadLettersAlarm",
    "MailDeadLettersAlarm",
    "RefundsStuckAlarm",
    "MoneyDiffersAlarm",
    "StaysBehindAlarm",
)
"""These alarms, which nobody may ignore, are shown first; the console lists all others."""


def resource(functions: Mapping[str, Function]) -> Json:
    body = json.dumps({"widgets": _widgets(functions)}, separators=(",", ":"))
    properties = {"DashboardName": {"Fn::Sub": "cloudbash-${Stage}"}, "DashboardBody": {"Fn::Sub": body}}
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}


def _widgets(functions: Mapping[str, Function]) -> list[Json]:
    names = [logical_id(function) for function in functions.values()]
    followers = [logical_id(function) for function in functions.values() if function.read_model]
    readers = [name for name in names if f"{name}DelayAlarm" in {alarm.logical_id for alarm in alarms(functions)}]
    graphs = [
        _graph("Tickets", [ours("TicketsHeld", "APIHandler"), ours("TicketsSold", "APIHandler")]),
        _graph("Refused", [ours(name, "APIHandler") for name in REFUSALS]),
        _graph("Requests and errors", [of_the_api(name, "Sum") for name in ("Count", "4XXError", "5XXError")]),
        _graph("Latency", [of_the_api("Latency", statistic) for statistic in ("p50", "p90", "p99")]),
        _graph("Lost races", [ours("LostRaces", name) for name in ("APIHandler", "Work", "RecordLapsedHolds")]),
        _graph("Age of what is read", [of_lambda("IteratorAge", name, "Maximum") for name in readers]),
        _graph("From the log to the read model", [ours("ProjectionLag", name, "Maximum") for name in followers]),
        _graph(
            "What waits for somebody",
            [ours(name, "VerifyReadModels", "Maximum") for name in ("ParkedStreams", "UnreadableRecords")]
            + [ours("StreamsBehind", "VerifyReadModels"), ours("MoneyDifferences", "ReconcileMoney", "Maximum")]
            + [ours("PassCertificateEnds", "APIHandler")]
            + [ours("CertificatesContradicted", "CertifySoldTickets")],
        ),
        _graph("Misconfigured", [ours("Misconfigured", name) for name in names]),
        _graph("Work", [of_a_queue("ApproximateNumberOfMessagesVisible", "WorkQueue")]),
        _graph(
            "Age of work",
            [
                of_a_queue("ApproximateAgeOfOldestMessage", "WorkQueue"),
                ours("WatchdogDelay", "RetryOverdue", "Maximum"),
                ours("StuckProcesses", "RetryOverdue", "Maximum"),
            ],
        ),
        _graph(
            "Webhooks",
            [
                of_a_queue("ApproximateAgeOfOldestMessage", "WebhookQueue"),
                ours("WebhookDelay", "RetryWebhooks", "Maximum"),
                ours("WebhookFailures", "DeliverWebhooks"),
            ],
        ),
        _graph(
            "Mails",
            [
                of_a_queue("ApproximateAgeOfOldestMessage", "MailQueue"),
                ours("MailDelay", "RetryMails", "Maximum"),
                *(ours(name, "SendMails") for name in _OF_MAILS),
            ],
        ),
        _graph(
            "The log",
            [of_the_log(name) for name in ("ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits")]
            + [of_the_log(name) for name in ("WriteThrottleEvents", "ReadThrottleEvents")],
        ),
        _graph("Errors of functions", [of_lambda("Errors", name) for name in names]),
        _graph("Functions at once", [of_lambda("ConcurrentExecutions", name, "Maximum") for name in names]),
        _graph("Duration", [of_lambda("Duration", name, "p99") for name in names]),
    ]
    status = {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": 2 * WIDTH,
        "height": 2,
        "properties": {"title": "Nobody may leave these", "alarms": [f"${{{name}.Arn}}" for name in STILL]},
    }
    return [status, *_placed(graphs)]


def _placed(graphs: Iterable[Json]) -> list[Json]:
    return [
        graph | {"x": place % 2 * WIDTH, "y": 2 + place // 2 * HEIGHT, "width": WIDTH, "height": HEIGHT}
        for place, graph in enumerate(graphs)
    ]


def _graph(title: str, metrics: Iterable[Metric]) -> Json:
    shown = [[metric.namespace, metric.name, *_named(metric), {"stat": metric.statistic}] for metric in metrics]
    properties = {"title": title, "region": "${AWS::Region}", "period": PERIOD, "metrics": shown}
    return {"type": "metric", "properties": properties}


def _named(metric: Metric) -> list[str]:
    return [text for name, value in metric.dimensions for text in (name, _in_text(value))]


def _in_text(value: Any) -> str:
    """Return a value of the template in the form that `Fn::Sub` takes within a text."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"${{{value['Ref']}}}"
    if "Fn::GetAtt" in value:
        return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
    return str(value["Fn::Sub"])
