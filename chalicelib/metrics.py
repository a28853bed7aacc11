"""Metrics for alarms, in CloudWatch's embedded metric format: a line of the function's log is the metric."""

import json
import os
import sys
import time

NAMESPACE = "Cloudbash"


def count(metric: str, number: int = 1) -> None:
    """Add to a metric of the namespace `Cloudbash`, with the function's name, and so its stage, as dimension. Nobody
    collects it outside Lambda."""
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if function is None:
        return
    declared = {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": [{"Name": metric, "Unit": "Count"}]}
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [declared]},
        "Function": function,
        metric: number,
    }
    # Not through logging: Lambda puts a level and a request id before what is logged, and the metric is lost.
    sys.stdout.write(json.dumps(line) + "\n")
