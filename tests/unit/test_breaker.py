"""The circuit breaker: one caller pays for an outage, and one at a time asks whether it is over."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from chalicelib.platform.breaker import FIRST_REST, LONGEST_REST, Breaker
from chalicelib.platform.errors import Unavailable


class Away(Exception):
    """The server does not answer."""


class Refused(Exception):
    """The server answers, and says no."""


class Server:
    """A server behind a breaker, on a clock of its own; it counts the calls that reach it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.fault: Exception | None = None
        self.calls = 0
        self.meanwhile: Callable[[], object] = lambda: None
        self.breaker = Breaker("The server", lambda: self.now)

    def call(self) -> str:
        with self.breaker.guarding(lambda error: isinstance(error, Away)):
            self.calls += 1
            self.meanwhile()
            if self.fault:
                raise self.fault
            return "answer"

    def go_away(self) -> None:
        self.fault = Away()
        with pytest.raises(Away):
            self.call()
        self.calls = 0


@pytest.fixture
def server() -> Server:
    return Server()


def test_while_the_server_answers_every_call_reaches_it(server: Server) -> None:
    assert [server.call() for _ in range(3)] == ["answer"] * 3
    assert server.calls == 3
    assert not server.breaker.is_open


def test_after_one_outage_no_call_reaches_the_server(server: Server) -> None:
    server.go_away()
    for _ in range(100):
        with pytest.raises(Unavailable):
            server.call()
    assert server.calls == 0


def test_an_answer_that_refuses_is_no_outage(server: Server) -> None:
    server.fault = Refused()
    for _ in range(2):
        with pytest.raises(Refused):
            server.call()
    assert server.calls == 2


def test_after_the_rest_one_call_is_the_probe_and_its_answer_lets_all_through(server: Server) -> None:
    server.go_away()
    server.fault = None
    server.now += FIRST_REST
    assert [server.call() for _ in range(3)] == ["answer"] * 3
    assert not server.breaker.is_open


def test_a_probe_that_is_refused_is_answered(server: Server) -> None:
    server.go_away()
    server.fault = Refused()
    server.now += FIRST_REST
    with pytest.raises(Refused):
        server.call()
    assert not server.breaker.is_open


def test_a_probe_that_fails_doubles_the_rest_up_to_the_longest(server: Server) -> None:
    server.go_away()
    rests: list[float] = []
    began = server.now
    while len(rests) < 6:
        server.now += FIRST_REST
        before = server.calls
        with pytest.raises((Away, Unavailable)):
            server.call()
        if server.calls > before:
            rests.append(server.now - began)
            began = server.now
    assert rests == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST, 8 * FIRST_REST, LONGEST_REST, LONGEST_REST]


def test_a_server_that_was_back_is_tried_again_after_the_first_rest(server: Server) -> None:
    server.go_away()
    server.now += FIRST_REST
    with pytest.raises(Away):
        server.call()
    server.now += 2 * FIRST_REST
    server.fault = None
    server.call()
    server.go_away()
    server.fault = None
    server.now += FIRST_REST
    assert server.call() == "answer"


def test_beside_a_probe_every_other_call_is_refused(server: Server) -> None:
    server.go_away()
    server.fault = None
    server.now += FIRST_REST

    def another() -> None:
        server.meanwhile = lambda: None
        with pytest.raises(Unavailable):
            server.call()

    server.meanwhile = another
    assert server.call() == "answer"
    assert server.calls == 1


def test_a_call_that_began_before_the_outage_and_is_answered_late_closes_nothing(server: Server) -> None:
    def goes_away() -> None:
        server.meanwhile = lambda: None
        server.go_away()
        server.fault = None

    server.meanwhile = goes_away
    assert server.call() == "answer"
    assert server.breaker.is_open


def test_of_many_calls_at_once_after_the_rest_exactly_one_reaches_the_server(server: Server) -> None:
    server.go_away()
    server.fault = None
    server.now += FIRST_REST
    start, refused = Barrier(16), Event()
    server.meanwhile = lambda: refused.wait(timeout=10)
    counts = {"answer": 0, "refused": 0}

    def call() -> str:
        start.wait()
        try:
            return server.call()
        except Unavailable:
            counts["refused"] += 1
            if counts["refused"] == 15:
                refused.set()
            return "refused"

    with ThreadPoolExecutor(16) as threads:
        answers = [future.result() for future in [threads.submit(call) for _ in range(16)]]
    assert sorted(answers) == ["answer"] + ["refused"] * 15
    assert server.calls == 1
