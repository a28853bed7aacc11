"""Looks for tampering: compares the log with its own hashes and with its signed heads."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform import metrics
from chalicelib.platform.aws.clients import make_client
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.chain import Fault, SegmentCheck, faults_of
from chalicelib.platform.integrity.verification import SignedCheck
from ops.report import Report


def verify_chain(options: argparse.Namespace) -> Report:
    """Check that no event was edited, removed or swapped since it was written."""
    shop = composition.current()
    signed = SignedCheck(shop.event_store, shop.heads_archive, shop.signer, only=options.stream)
    with _progress() as progress:
        events, streams, faults = (
            _check_stream(shop, options.stream) if options.stream else _check_log(shop, options.segments, progress)
        )
        task = progress.add_task("signed heads", total=None)
        for heads in signed.run():
            progress.advance(task, heads)
    named = {(fault.stream_id, fault.version) for fault in faults}
    found = [*faults, *(fault for fault in signed.faults if (fault.stream_id, fault.version) not in named)]
    if options.stream and not events and not found:  # a deleted stream still has its signed heads
        raise NotFound(f"There is no stream {options.stream}, and no signed head of one.")
    counts = {"events": events, "streams": streams, "signed heads": signed.heads, "documents": signed.documents}
    summary = {name: str(count) for name, count in counts.items()} | {"signed until": signed.signed_until or "never"}
    rows = [
        {"stream": str(fault.stream_id), "version": str(fault.version), "fault": fault.reason} for fault in found
    ] + [{"stream": "the archive", "version": "-", "fault": reason} for reason in signed.broken]
    if options.tell and not options.stream:
        _report_to_alarm(shop.settings.stage, len(rows))
    record = counts | {"signed until": signed.signed_until, "faults": rows}
    return Report(rows or [summary | {"faults": "none"}], [record], ok=not rows)


def _report_to_alarm(stage: str, faults: int) -> None:
    datum = {"MetricName": "ChainFaults", "Dimensions": [{"Name": "Stage", "Value": stage}], "Value": faults}
    make_client("cloudwatch").put_metric_data(Namespace=metrics.NAMESPACE, MetricData=[datum])


def _check_stream(shop: Composition, stream_id: UUID) -> tuple[int, int, list[Fault]]:
    faults = faults_of(shop.event_store, stream_id)
    events = 0 if faults else len(shop.event_store.read(stream_id))
    return events, min(events, 1), faults


def _check_log(shop: Composition, segments: int, progress: Progress) -> tuple[int, int, list[Fault]]:
    task = progress.add_task("events", total=shop.event_store.size() or None)

    def check(segment: int) -> SegmentCheck:
        segment_check = SegmentCheck(shop.event_store)
        for page in shop.event_store.scan(segment, segments):
            segment_check.take(page.events)
            progress.advance(task, len(page.events))
        return segment_check

    with ThreadPoolExecutor(segments) as pool:
        checks = list(pool.map(check, range(segments)))
    faults = [fault for one in checks for fault in one.faults]
    return sum(one.events for one in checks), sum(one.streams for one in checks), faults


def _progress() -> Progress:
    """Show progress on the error stream, so that the report can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
