"""Defines the command that compares read models with the log."""

import argparse
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import composition
from chalicelib.platform.readmodels.folding import FoldedPage
from chalicelib.platform.readmodels.rebuild import SEGMENTS, for_each_batch
from chalicelib.platform.readmodels.verification import Behind, Difference, Findings, Verifier, catch_up
from ops.chain import verify_chain
from ops.progress import progress
from ops.rebuild import NAMES
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def verify(options: argparse.Namespace) -> Report:
    """Compare read models with the log, or with --chain the log with its hashes and signed heads."""
    if options.chain:
        return verify_chain(options)
    checked = [_checked(name, options) for name in ([options.projection] if options.projection else NAMES)]
    is_equal = options.repair or not any(one.findings.different_count for one in checked)
    return Report([row for one in checked for row in _rows(one)], [_record(one) for one in checked], ok=is_equal)


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("verify", help=verify.__doc__)
    parser.add_argument("projection", choices=NAMES, nargs="?", help="verify this projection instead of all")
    parser.add_argument("--repair", action="store_true", help="catch up what is behind, and write anew what differs")
    parser.add_argument("--chain", action="store_true", help="verify hashes and signed heads of the log instead")
    parser.add_argument("--stream", type=UUID, help="with --chain: verify this stream only")
    parser.add_argument("--tell", action="store_true", help="with --chain: report the number of faults to the alarm")
    parser.add_argument("--segments", type=int, default=SEGMENTS, help="read so many parts of the log at once")
    parser.set_defaults(command=verify)


@dataclass
class _Checked:
    name: str
    generation: int
    findings: Findings
    repaired: int = 0


def _checked(name: str, options: argparse.Namespace) -> _Checked:
    shop = composition.current()
    model, consumer = shop.read_model(name), shop.consumer(name)
    live = model.live_generation()
    verifier = Verifier(live, shop.event_store, shop.parking)
    checked, lock = _Checked(name, live.generation, verifier.findings), Lock()
    with progress(f"Verifying {name}", shop.event_store.size()) as advance:

        def compare(batch: FoldedPage) -> None:
            behind, differences = verifier.compare(batch.streams)
            if options.repair:
                for one in behind:
                    catch_up(consumer, shop.event_store, one.stream_id)
                for difference in differences:
                    verifier.repair(difference)
                with lock:
                    checked.repaired += sum(not one.is_parked for one in behind) + len(differences)
            advance("rows", batch.events)

        for_each_batch(shop.event_store, live, options.segments, compare)
    return checked


def _rows(checked: _Checked) -> list[dict[str, str]]:
    found = checked.findings
    summary = f"{found.streams} streams, {found.behind_count} behind, {found.different_count} different"
    repaired = f", {checked.repaired} repaired" if checked.repaired else ""
    rows = [_row(checked, "", summary + repaired + f", digest {found.digest[:16]}")]
    rows += [_row(checked, str(one.stream_id), _describe_behind(one)) for one in found.behind]
    return rows + [_row(checked, str(one.stream_id), _describe_difference(one)) for one in found.differences]


def _row(checked: _Checked, stream: str, finding: str) -> dict[str, str]:
    return {"projection": checked.name, "stream": stream, "finding": finding}


def _describe_behind(behind: Behind) -> str:
    return f"behind: at {behind.position} of {behind.newest}" + (", parked" if behind.is_parked else "")


def _describe_difference(difference: Difference) -> str:
    changes = "; ".join(f"{one['path']} is {one['before']!r}, not {one['after']!r}" for one in difference.changes)
    return f"different at {difference.version}: {changes}"


def _record(checked: _Checked) -> dict[str, Any]:
    found = checked.findings
    return {
        "projection": checked.name,
        "generation": checked.generation,
        "streams": found.streams,
        "digest": found.digest,
        "behind": [
            {"stream": str(one.stream_id), "position": one.position, "newest": one.newest, "parked": one.is_parked}
            for one in found.behind
        ],
        "behind_count": found.behind_count,
        "different": [
            {"stream": str(one.stream_id), "version": one.version, "changes": one.changes} for one in found.differences
        ],
        "different_count": found.different_count,
        "repaired": checked.repaired,
    }
