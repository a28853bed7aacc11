"""Play the on-sale with and without an attacker, and with and without the limits of what one customer may do."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

from benchmarks.report import Record, Section, progress, publish
from simulator.attack.buyers import STEPS
from simulator.attack.game import Game, Outcome, broken_promises, play, without_attacker
from simulator.attack.requests import UNLIMITED
from simulator.processes import in_processes

SCARCE = 300
"""Fewer tickets than the buyers want, so that everybody is after the last ones."""


@dataclass(frozen=True, slots=True)
class Case:
    """Names a game with the quiet one that it is compared with."""

    name: str
    game: Game
    quiet: Game


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the status is 0 if the attacker achieved nothing where there are limits."""
    parser = argparse.ArgumentParser(prog="python -m simulator.attack", description=__doc__)
    usual = Game()
    parser.add_argument("--seeds", type=int, default=3, help="play so many games of each kind (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="begin with this seed (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="use so many processes (default: %(default)s)")
    parser.add_argument("--buyers", type=int, default=usual.buyers, help="(default: %(default)s)")
    parser.add_argument("--accounts", type=int, default=usual.accounts, help="of the attacker (default: %(default)s)")
    parser.add_argument("--windows", type=int, default=usual.windows, help="of an account (default: %(default)s)")
    parser.add_argument(
        "--tickets", type=int, nargs="+", default=[usual.tickets, SCARCE], help="one sale each (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    game = Game(buyers=options.buyers, accounts=options.accounts, windows=options.windows)
    cases = [case for tickets in options.tickets for case in _cases(replace(game, tickets=tickets))]
    outcomes = _play_all(cases, range(options.first, options.first + options.seeds), options.jobs)
    promises = [
        f"{case.name}: {finding}"
        for case in cases
        if case.game.rules is not UNLIMITED
        for finding in broken_promises(case.game, outcomes[case.quiet], outcomes[case.game])
    ]
    about: Record = {"seeds": options.seeds, "buyers": game.buyers, "accounts": game.accounts, "windows": game.windows}
    publish({**about, "broken": promises}, _sections(cases, outcomes), as_json=options.json)
    return 1 if promises else 0


def _cases(game: Game) -> list[Case]:
    quiet = without_attacker(game)
    return [
        Case(f"{game.tickets}, limits", game, quiet),
        Case(f"{game.tickets}, no limits", replace(game, rules=UNLIMITED), quiet),
    ]


def _play_all(cases: Sequence[Case], seeds: range, jobs: int) -> dict[Game, Outcome]:
    games = list(dict.fromkeys(game for case in cases for game in (case.quiet, case.game)))
    work = [(seed, game) for game in games for seed in seeds]
    played: dict[Game, list[Outcome]] = {game: [] for game in games}
    with progress() as bar:
        task = bar.add_task("Games", total=len(work))
        for (_, game), outcome in zip(work, in_processes(_play, work, jobs), strict=True):
            played[game].append(outcome)
            bar.advance(task)
    return {game: reduce(Outcome.plus, outcomes) for game, outcomes in played.items()}


def _play(work: tuple[int, Game]) -> Outcome:
    return play(*work)


def _sections(cases: Sequence[Case], outcomes: Mapping[Game, Outcome]) -> list[Section]:
    pairs = [(case.name, outcomes[case.quiet], outcomes[case.game]) for case in cases]
    times = [row for name, quiet, attacked in pairs for row in map(partial(_times, name, quiet, attacked), STEPS)]
    ends = [_end(name, quiet, attacked) for name, quiet, attacked in pairs]
    answers: list[Record] = [
        {"tickets": name, "answer": code, "requests": number}
        for name, _, attacked in pairs
        for code, number in attacked.attacker.most_common()
    ]
    return [
        Section("times", "virtual milliseconds of the buyers' requests, quiet and attacked", times),
        Section("buyers", "what became of them, in all games together", ends),
        *([Section("attacker", "what the attacker was answered", answers)] if answers else []),
    ]


def _times(name: str, quiet: Outcome, attacked: Outcome, step: str) -> Record:
    row: Record = {"tickets": name, "step": step}
    for title, share in (("p50", 0.5), ("p99", 0.99)):
        before, now = quiet.seconds(step, share), attacked.seconds(step, share)
        row |= {
            f"{title}_quiet": round(before * 1000),
            f"{title}_attacked": round(now * 1000),
            f"{title}_ratio": round(now / before, 2) if before else 0.0,
        }
    return row


def _end(name: str, quiet: Outcome, attacked: Outcome) -> Record:
    return {
        "tickets": name,
        "served_quiet": quiet.bought.buyers,
        "served_attacked": attacked.bought.buyers,
        "refused": _text(attacked.bought.refused),
        "asked_again": _text(attacked.bought.again),
        "attacker_holds": attacked.held,
        "lost_races": attacked.lost_races,
        "throttled": attacked.throttled,
        "containers": attacked.containers,
    }


def _text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {code}" for code, number in sorted(counts.items())) or "none"


if __name__ == "__main__":
    raise SystemExit(main())
