"""Measures tickets on paper: `python -m benchmarks.paper`.

A cold print is the first one of a new process, from the import of the function on, as a container starts. Times are of
the processor, because others use this machine too; the memory is the most that the process has had.
"""

import json
import resource
import subprocess
import sys
import time
from statistics import median
from uuid import UUID

from chalicelib.functions import FUNCTIONS
from chalicelib.shop.orders.faces import TicketFace

COUNTS = (1, 4, 10)
WARM_RUNS = 7
COLD_RUNS = 3
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def main() -> None:
    print("| tickets | cold, ms | memory, MB | warm, ms | PDF, KB |\n|---|---|---|---|---|")
    for count in COUNTS:
        runs = [_in_a_new_process(count) for _ in range(COLD_RUNS)]
        columns = [round(median(run[name] for run in runs)) for name in ("cold", "memory", "warm", "size")]
        print(f"| {count} | {' | '.join(map(str, columns))} |")
    memory = FUNCTIONS["print_tickets"].memory
    print(f"The function has {memory} MB and with them one processor.")


def _in_a_new_process(count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.paper", str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    measured: dict[str, float] = json.loads(run.stdout)
    return measured


def _measure(count: int) -> dict[str, float]:
    """Print `count` tickets, the first time with all that a container makes before its first call."""
    from chalicelib.shop.orders.paper.port import PaperHere  # noqa: PLC0415 - what is measured

    paper, taken, printed = PaperHere(), [], b""
    for run in range(1 + WARM_RUNS):
        faces = [_face(run * count + number) for number in range(count)]
        began = time.process_time() if run else 0.0  # the imports of a new process count as well
        printed = paper.tickets_pdf(faces, "en")
        taken.append(1000 * (time.process_time() - began))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cold": taken[0], "memory": memory, "warm": median(taken[1:]), "size": len(printed) / 1000}


def _face(number: int) -> TicketFace:
    """Return a ticket that differs from all others, so that nothing of it is printed before."""
    code = "".join(_ALPHABET[(number * 7919 + place * place) % len(_ALPHABET)] for place in range(201))
    ids = (UUID(int=number), UUID(int=1), UUID(int=2))
    return TicketFace(*ids, code, "Patti Smith", "Standing", f"Carla Jones {number}", None, None, None)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(_measure(int(sys.argv[1]))))
    else:
        main()
