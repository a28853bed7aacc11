"""What CloudWatch makes of the log of a function."""

import json


def collected(output: str) -> dict[str, float]:
    """The metrics that an invocation printed, by name. Lines that are no metrics are left out."""
    found: dict[str, float] = {}
    for document in map(json.loads, output.splitlines()):
        for declared in document.get("_aws", {}).get("CloudWatchMetrics", []):
            assert (declared["Namespace"], declared["Dimensions"]) == ("Cloudbash", [["Function"]])
            assert document["Function"] == "cloudbash-test-function"
            for metric in declared["Metrics"]:
                assert metric["Name"] not in found, "more than one line for one invocation"
                found[metric["Name"]] = document[metric["Name"]]
    return found
