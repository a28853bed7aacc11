"""An attacker with 50 accounts and every command of a customer does not stop the sale; without limits it does."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.attack.__main__ import main
from simulator.attack.buyers import STEPS
from simulator.attack.game import Game, Outcome, broken_promises, play, without_attacker
from simulator.attack.requests import UNLIMITED

pytestmark = pytest.mark.endurance

ROOT = Path(__file__).parents[2]
FAIR = Game(tickets=1_500, seconds=2)
"""More tickets than 200 buyers want and 50 accounts may hold together."""
SCARCE = replace(FAIR, tickets=300)
"""The buyers alone want more."""
SMALL = Game(tickets=60, buyers=10, seconds=1, accounts=5)


def played(seed: int, game: Game) -> tuple[Outcome, Outcome]:
    return play(seed, without_attacker(game)), play(seed, game)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_attacker_refuses_no_buyer_a_ticket_and_makes_none_wait(seed: int) -> None:
    quiet, attacked = played(seed, FAIR)
    assert broken_promises(FAIR, quiet, attacked) == []
    assert attacked.bought.buyers == FAIR.buyers
    assert attacked.held <= FAIR.accounts * 10
    assert sum(attacked.attacker.values()) > 1_000


def test_where_everybody_wants_the_last_tickets_buyers_are_refused_for_that_alone_and_do_not_wait() -> None:
    quiet, attacked = played(1, SCARCE)
    assert broken_promises(SCARCE, quiet, attacked) == []
    assert attacked.bought.tickets + attacked.held > SCARCE.tickets * 0.9
    assert set(attacked.bought.refused) == {"sold_out"}


def test_without_limits_an_attacker_takes_the_tickets_from_the_buyers() -> None:
    game = replace(FAIR, rules=UNLIMITED)
    quiet, attacked = played(1, game)
    assert any("sold_out" in finding for finding in broken_promises(game, quiet, attacked))
    assert attacked.held > FAIR.accounts * 10


def test_a_median_of_three_times_the_quiet_one_is_a_broken_promise() -> None:
    quiet = play(1, without_attacker(SMALL))
    slow = play(1, without_attacker(SMALL))
    slow.bought.seconds["hold"] = [3 * seconds for seconds in quiet.bought.seconds["hold"]]
    assert [finding.split(" for ")[1].split(",")[0] for finding in broken_promises(SMALL, quiet, slow)] == ["hold"]


def test_the_same_seed_is_the_same_game_also_in_another_process() -> None:
    code = (
        "from simulator.attack.game import Game, play\n"
        "print(play(7, Game(tickets=60, buyers=10, seconds=1, accounts=5)).bought.seconds)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True)  # noqa: S603 - our own interpreter
    assert other.stdout.decode().strip() == str(play(7, SMALL).bought.seconds)
    assert play(8, SMALL) != play(7, SMALL)


def test_the_command_shows_every_step_quiet_and_attacked(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--seeds", "2", "--buyers", "5", "--accounts", "2", "--tickets", "100", "--json"]
    assert main(options) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row["step"] for row in shown["times"]] == [*STEPS, *STEPS]
    assert [row["tickets"] for row in shown["buyers"]] == ["100, limits", "100, no limits"]
    assert shown["buyers"][0]["served_attacked"] == 10
    assert shown["broken"] == []
