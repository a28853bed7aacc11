"""Defines the alarms, each with the section of docs/operations.md that says what to do.

No alarm needs traffic to be quiet: a metric without data counts as good, or leaves a lasting alarm as it is. The one
exception is a scheduled function that does not run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.platform.function import Bus, Function, LogStream, Schedule
from infra.names import logical_id, physical_name

ALARM = "AWS::CloudWatch::Alarm"

Json = dict[str, Any]
Missing = Literal["notBreaching", "breaching", "ignore"]

RUNBOOKS = "docs/operations.md"
TOPIC = "AlarmTopic"
API_NAME = "cloudbash-${Stage}"
"""API Gateway names its metrics by this title of the API's definition."""

API_STAGE = "api"

OPERATIONS_ON_THE_LOG = ("PutItem", "TransactWriteItems", "Query", "Scan", "ExecuteStatement", "ExecuteTransaction")

MINUTE, HOUR = 60, 3600
MILLISECONDS = 1000

MISSED_AFTER = 26
"""A function that runs once a day is missed after so many hours without a run."""

PARAMETERS: Json = {
    "AlarmEmail": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"^$|^[^@\s]+@[^@\s]+$",
        "Description": "Where alarms are mailed to, once the address has confirmed it; empty for nowhere",
    }
}
CONDITIONS: Json = {"AlarmsAreMailed": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}}


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: tuple[tuple[str, Any], ...]
    statistic: str = "Sum"

    def of(self, period: int) -> Json:
        """Return the metric in the form that alarms over several metrics take."""
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions]
        metric = {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}
        return {"Metric": metric, "Period": period, "Stat": self.statistic}


@dataclass(frozen=True)
class Alarm:
    """Goes off once `datapoints` of the last `periods` are at the threshold or above it (`is_below`: below it).

    `metric` is one metric, or several by their ids with an `expression` over them. `period` is in seconds.
    """

    logical_id: str
    name: str
    runbook: str
    says: str
    metric: Metric | Mapping[str, Metric]
    threshold: float
    period: int = MINUTE
    datapoints: int = 1
    periods: int = 1
    expression: str = ""
    is_below: bool = False
    missing: Missing = "notBreaching"
    few_samples: str = ""

    def resource(self) -> Json:
        properties: Json = {
            "AlarmName": {"Fn::Sub": f"cloudbash-${{Stage}}-{self.name}"},
            "AlarmDescription": f"{self.says} What to do: {RUNBOOKS}#{self.runbook}",
            "ComparisonOperator": "LessThanThreshold" if self.is_below else "GreaterThanOrEqualToThreshold",
            "Threshold": self.threshold,
            "DatapointsToAlarm": self.datapoints,
            "EvaluationPeriods": self.periods,
            "TreatMissingData": self.missing,
            "AlarmActions": [{"Ref": TOPIC}],
            "OKActions": [{"Ref": TOPIC}],
            **self._measured(),
        }
        if self.few_samples:
            properties["EvaluateLowSampleCountPercentile"] = self.few_samples
        return {"Type": ALARM, "Properties": properties}

    def _measured(self) -> Json:
        if isinstance(self.metric, Metric):
            stat = self.metric.of(self.period)
            is_percentile = self.metric.statistic.startswith("p")
            return {
                **stat["Metric"],
                "Period": self.period,
                "ExtendedStatistic" if is_percentile else "Statistic": self.metric.statistic,
            }
        inputs = [
            {"Id": key, "MetricStat": metric.of(self.period), "ReturnData": False}
            for key, metric in self.metric.items()
        ]
        return {"Metrics": [{"Id": "result", "Expression": self.expression, "Label": self.name}, *inputs]}


def resources(functions: Mapping[str, Function]) -> Json:
    topic = {
        "TopicName": {"Fn::Sub": "cloudbash-${Stage}-alarms"},
        "Subscription": [
            {
                "Fn::If": [
                    "AlarmsAreMailed",
                    {"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}},
                    {"Ref": "AWS::NoValue"},
                ]
            }
        ],
    }
    return {
        TOPIC: {"Type": "AWS::SNS::Topic", "Properties": topic},
        **{alarm.logical_id: alarm.resource() for alarm in alarms(functions)},
    }


def alarms(functions: Mapping[str, Function]) -> Iterator[Alarm]:
    yield from _of_the_log()
    yield from _of_what_waits()
    for function in functions.values():
        yield from _of_a_function(function)
        if isinstance(function.trigger, LogStream | Bus):
            yield from _of_a_reader(function)
        if function.read_model:
            yield _projection_lag(function)
        if isinstance(function.trigger, Schedule):
            yield _silence(function)
    yield from _of_the_api()
    yield from _of_the_work()


def ours(name: str, function: str, statistic: str = "Sum") -> Metric:
    """Return a metric that the code prints; see chalicelib/platform/metrics.py."""
    return Metric("Cloudbash", name, (("Function", {"Ref": function}),), statistic)


def of_lambda(name: str, function: str, statistic: str = "Sum") -> Metric:
    return Metric("AWS/Lambda", name, (("FunctionName", {"Ref": function}),), statistic)


def of_the_api(name: str, statistic: str) -> Metric:
    dimensions = (("ApiName", {"Fn::Sub": API_NAME}), ("Stage", API_STAGE))
    return Metric("AWS/ApiGateway", name, dimensions, statistic)


def of_the_log(name: str, operation: str = "") -> Metric:
    dimensions: tuple[tuple[str, Any], ...] = (("TableName", {"Ref": "EventsTable"}),)
    return Metric("AWS/DynamoDB", name, (*dimensions, ("Operation", operation)) if operation else dimensions)


def of_a_queue(name: str, queue: str) -> Metric:
    return Metric("AWS/SQS", name, (("QueueName", {"Fn::GetAtt": [queue, "QueueName"]}),), "Maximum")


def _of_the_log() -> Iterator[Alarm]:
    """Define the alarms of the log.

    An alarm on DynamoDB's metrics keeps its state when data is missing, whatever it is told, so missing data is filled.
    """
    yield Alarm(
        "TamperingAlarm",
        "tampering",
        "tampering",
        "A stored event was changed or deleted.",
        ours("TamperedRecords", "ForwardEvents"),
        threshold=1,
    )
    yield Alarm(
        "ChainAlarm",
        "chain",
        "verifying-the-chain",
        "The log differs from what was written, or signed heads were changed. Ends with a clean verification.",
        Metric("Cloudbash", "ChainFaults", (("Stage", {"Ref": "Stage"}),), "Maximum"),
        threshold=1,
        period=5 * MINUTE,
        missing="ignore",
    )
    yield Alarm(
        "LogThrottledAlarm",
        "log-throttled",
        "the-log-is-throttled",
        "DynamoDB refuses reads or writes of the event log.",
        {"reads": of_the_log("ReadThrottleEvents"), "writes": of_the_log("WriteThrottleEvents")},
        expression="FILL(reads, 0) + FILL(writes, 0)",
        threshold=1,
        datapoints=3,
        periods=5,
        missing="ignore",
    )
    metrics = {f"m{place}": of_the_log("SystemErrors", name) for place, name in enumerate(OPERATIONS_ON_THE_LOG)}
    yield Alarm(
        "LogErrorsAlarm",
        "log-errors",
        "the-log-has-errors",
        "DynamoDB answers requests to the event log with errors of its own.",
        metrics,
        expression=" + ".join(f"FILL({key}, 0)" for key in metrics),
        threshold=5,
        period=5 * MINUTE,
        missing="ignore",
    )


def _of_what_waits() -> Iterator[Alarm]:
    yield Alarm(
        "ParkedAlarm",
        "parked",
        "parked-streams",
        "A projection cannot apply an event, and its stream waits; until it is redriven.",
        ours("ParkedStreams", "VerifyReadModels", "Maximum"),
        threshold=1,
        missing="ignore",
    )
    yield Alarm(
        "UnreadableAlarm",
        "unreadable",
        "unreadable-records",
        "A record that is no event was stored for inspection. Ends when it is redriven.",
        ours("UnreadableRecords", "VerifyReadModels", "Maximum"),
        threshold=1,
        missing="ignore",
    )
    yield Alarm(
        "BehindAlarm",
        "behind",
        "streams-behind",
        "Events were lost on the way to a read model and have been caught up.",
        ours("StreamsBehind", "VerifyReadModels"),
        threshold=1,
        period=5 * MINUTE,
    )
    yield Alarm(
        "StaysBehindAlarm",
        "stays-behind",
        "streams-stay-behind",
        "Several passes over the log in a row found streams behind.",
        ours("StreamsBehind", "VerifyReadModels"),
        threshold=1,
        period=HOUR,
        datapoints=3,
        periods=4,
    )
    yield Alarm(
        "RefundsStuckAlarm",
        "refunds-stuck",
        "refunds-are-stuck",
        "A refund has failed for good and waits for an operator; until it is settled.",
        ours("StuckProcesses", "RetryOverdue", "Maximum"),
        threshold=1,
        period=5 * MINUTE,
        missing="ignore",
    )
    yield Alarm(
        "MoneyDiffersAlarm",
        "money-differs",
        "money-differs",
        "The payment provider's books and the log differ. Ends with a night that finds no difference.",
        ours("MoneyDifferences", "ReconcileMoney", "Maximum"),
        threshold=1,
        period=5 * MINUTE,
        missing="ignore",
    )
    yield Alarm(
        "CertificateAlarm",
        "certificate",
        "a-certificate-is-contradicted",
        "The sales of a concert contradict what was certified of them, so it gets no further certificate.",
        ours("CertificatesContradicted", "CertifySoldTickets"),
        threshold=1,
        period=HOUR,
    )
    yield Alarm(
        "WatchdogAlarm",
        "watchdog",
        "the-watchdog-is-late",
        "Processes are retried more than ten minutes after their time; while the queue is busy, after an hour more.",
        ours("WatchdogDelay", "RetryOverdue", "Maximum"),
        threshold=10 * MINUTE,
        datapoints=5,
        periods=5,
    )


def _of_a_function(function: Function) -> Iterator[Alarm]:
    yield Alarm(
        f"{logical_id(function)}ErrorsAlarm",
        f"{physical_name(function)}-errors",
        "a-function-fails",
        f"The function {physical_name(function)} ends with errors, or is stopped for its time or memory.",
        of_lambda("Errors", logical_id(function)),
        threshold=1 if _is_daily(function) else 3,
        period=5 * MINUTE,
    )
    yield Alarm(
        f"{logical_id(function)}ThrottlesAlarm",
        f"{physical_name(function)}-throttles",
        "a-function-is-throttled",
        f"Lambda does not start the function {physical_name(function)} as often as it is asked to.",
        of_lambda("Throttles", logical_id(function)),
        threshold=1,
        period=5 * MINUTE,
        datapoints=2,
        periods=3,
    )


def _of_a_reader(function: Function) -> Iterator[Alarm]:
    age = of_lambda("IteratorAge", logical_id(function), "Maximum")
    kept = (24 if isinstance(function.trigger, LogStream) else 7 * 24) * HOUR
    is_head_signer = function.name == "sign_heads"
    yield Alarm(
        f"{logical_id(function)}DelayAlarm",
        "signed-heads" if is_head_signer else f"{physical_name(function)}-delay",
        "signed-heads-are-behind" if is_head_signer else "a-reader-is-behind",
        f"The function {physical_name(function)} is behind on its stream.",
        age,
        threshold=(HOUR if is_head_signer else 15 * MINUTE) * MILLISECONDS,
        datapoints=5,
        periods=5,
    )
    yield Alarm(
        f"{logical_id(function)}RetentionAlarm",
        f"{physical_name(function)}-retention",
        "records-are-about-to-be-lost",
        f"The function {physical_name(function)} is behind by half of what its stream retains: {kept // HOUR} hours.",
        age,
        threshold=kept / 2 * MILLISECONDS,
        period=5 * MINUTE,
    )


def _projection_lag(function: Function) -> Alarm:
    return Alarm(
        f"{logical_id(function)}LagAlarm",
        f"{physical_name(function)}-lag",
        "a-read-model-is-late",
        f"What {physical_name(function)} applies was written more than five minutes before.",
        ours("ProjectionLag", logical_id(function), "Maximum"),
        threshold=5 * MINUTE * MILLISECONDS,
        datapoints=3,
        periods=15,
    )


def _silence(function: Function) -> Alarm:
    is_daily = _is_daily(function)
    often, missed = ("day", f"{MISSED_AFTER} hours") if is_daily else ("minute", "15 minutes")
    return Alarm(
        f"{logical_id(function)}SilentAlarm",
        f"{physical_name(function)}-silent",
        "a-scheduled-function-does-not-run",
        f"The function {physical_name(function)} should run every {often}, and has not run for {missed}.",
        of_lambda("Invocations", logical_id(function)),
        threshold=1,
        is_below=True,
        period=HOUR if is_daily else 15 * MINUTE,
        datapoints=MISSED_AFTER if is_daily else 1,
        periods=MISSED_AFTER if is_daily else 1,
        missing="breaching",
    )


def _is_daily(function: Function) -> bool:
    return isinstance(function.trigger, Schedule) and function.trigger.is_daily


def _of_the_api() -> Iterator[Alarm]:
    yield Alarm(
        "HttpErrorsAlarm",
        "http-errors",
        "the-api-answers-with-errors",
        "In three of five minutes one request in a hundred was answered with 5xx.",
        of_the_api("5XXError", "Average"),
        threshold=0.01,
        datapoints=3,
        periods=5,
    )
    yield Alarm(
        "HttpLatencyAlarm",
        "http-latency",
        "the-api-is-slow",
        "One request in a hundred takes longer than three seconds.",
        of_the_api("Latency", "p99"),
        threshold=3 * MILLISECONDS,
        period=5 * MINUTE,
        datapoints=3,
        periods=3,
        few_samples="ignore",
    )
    yield Alarm(
        "PassCertificateAlarm",
        "pass-certificate",
        "the-certificate-of-the-passes-ends",
        "The certificate that signs passes for Apple Wallet ends within a month, or has ended.",
        ours("PassCertificateEnds", "APIHandler"),
        threshold=1,
        period=HOUR,
    )


def _of_the_work() -> Iterator[Alarm]:
    yield Alarm(
        "WebhookQueueAgeAlarm",
        "webhook-queue-age",
        "webhooks-wait",
        "Something has been waiting in the webhook queue for half an hour.",
        of_a_queue("ApproximateAgeOfOldestMessage", "WebhookQueue"),
        threshold=30 * MINUTE,
        period=5 * MINUTE,
        datapoints=2,
        periods=2,
    )
    yield Alarm(
        "WebhookDeadLettersAlarm",
        "webhook-dead-letters",
        "dead-letters",
        "Webhook tasks have failed for good. Ends when their dead-letter queue is empty.",
        of_a_queue("ApproximateNumberOfMessagesVisible", "WebhookDeadLetters"),
        threshold=1,
        period=5 * MINUTE,
        missing="ignore",
    )
    yield Alarm(
        "MailQueueAgeAlarm",
        "mail-queue-age",
        "mails-wait",
        "Something has been waiting in the mail queue for half an hour.",
        of_a_queue("ApproximateAgeOfOldestMessage", "MailQueue"),
        threshold=30 * MINUTE,
        period=5 * MINUTE,
        datapoints=2,
        periods=2,
    )
    yield Alarm(
        "MailDeadLettersAlarm",
        "mail-dead-letters",
        "dead-letters",
        "Mail tasks have failed for good. Ends when their dead-letter queue is empty.",
        of_a_queue("ApproximateNumberOfMessagesVisible", "MailDeadLetters"),
        threshold=1,
        period=5 * MINUTE,
        missing="ignore",
    )
    yield Alarm(
        "MailsBounceAlarm",
        "mails-bounce",
        "mails-bounce",
        "Within an hour five mails in a hundred came back: SES stops who goes on like that.",
        {"bounced": ours("MailsBounced", "SendMails"), "sent": ours("MailsSent", "SendMails")},
        expression="IF(sent > 50, FILL(bounced, 0) / sent, 0)",
        threshold=0.05,
        period=HOUR,
    )
    yield Alarm(
        "MailsRefusedAlarm",
        "mails-refused",
        "mails-are-refused",
        "In three of five minutes mails were not taken, or nobody knows whether they were.",
        {"refused": ours("MailsRefused", "SendMails"), "unknown": ours("MailsUnknown", "SendMails")},
        expression="FILL(refused, 0) + FILL(unknown, 0)",
        threshold=1,
        datapoints=3,
        periods=5,
    )
    yield Alarm(
        "QueueAgeAlarm",
        "queue-age",
        "work-waits",
        "A task has been waiting in the work queue for half an hour.",
        of_a_queue("ApproximateAgeOfOldestMessage", "WorkQueue"),
        threshold=30 * MINUTE,
        period=5 * MINUTE,
        datapoints=2,
        periods=2,
    )
    yield Alarm(
        "DeadLettersAlarm",
        "dead-letters",
        "dead-letters",
        "Tasks have failed for good. Ends when the dead-letter queue is empty.",
        of_a_queue("ApproximateNumberOfMessagesVisible", "WorkDeadLetters"),
        threshold=1,
        period=5 * MINUTE,
        missing="ignore",
    )
