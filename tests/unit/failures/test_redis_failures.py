"""Every answer of Redis that is no answer to the question is of one kind of failure."""

import logging
from typing import Any

import pytest
from redis import exceptions
from redis._parsers.base import BaseParser
from redis.client import Pipeline

from chalicelib.platform.errors import Misconfigured, Unavailable
from chalicelib.platform.failures import Failure
from chalicelib.platform.readmodels.redis.failures import failure_of, failures_as_unavailable

ANSWERS = {
    "ASK 3999 127.0.0.1:6381": Failure.TRANSIENT,
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.": Failure.TRANSIENT,
    "CLUSTERDOWN Hash slot not served": Failure.TRANSIENT,
    "ERR max number of clients reached": Failure.TRANSIENT,
    "LOADING Redis is loading the dataset in memory": Failure.TRANSIENT,
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": Failure.TRANSIENT,
    "MOVED 3999 127.0.0.1:6381": Failure.TRANSIENT,
    "NOREPLICAS Not enough good replicas to write.": Failure.TRANSIENT,
    "READONLY You can't write against a read only replica.": Failure.TRANSIENT,
    "TRYAGAIN Multiple keys request during rehashing of slot": Failure.TRANSIENT,
    "UNKILLABLE Sorry the script already executed write commands": Failure.TRANSIENT,
    "ERR Client sent AUTH, but no password is set": Failure.MISCONFIGURED,
    "ERR Unknown Redis command called from script": Failure.MISCONFIGURED,
    "ERR unknown command 'HGETALL', with args beginning with: ": Failure.MISCONFIGURED,
    "ERR wrong number of arguments for 'auth' command": Failure.MISCONFIGURED,
    "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.": Failure.MISCONFIGURED,
    "NOAUTH Authentication required.": Failure.MISCONFIGURED,
    "NOPERM User app has no permissions to run the 'hset' command": Failure.MISCONFIGURED,
    "OOM command not allowed when used memory > 'maxmemory'.": Failure.MISCONFIGURED,
    "WRONGPASS invalid username-password pair or user is disabled.": Failure.MISCONFIGURED,
    "BUSYGROUP Consumer Group name already exists": Failure.POISON,
    "CROSSSLOT Keys in request don't hash to the same slot": Failure.POISON,
    "ERR syntax error": Failure.POISON,
    "ERR user_script:7: attempt to index a nil value": Failure.POISON,
    "WRONGTYPE Operation against a key holding the wrong kind of value": Failure.POISON,
}
BY_THE_CLIENT = {
    exceptions.ConnectionError: Failure.TRANSIENT,
    exceptions.DataError: Failure.POISON,
    exceptions.InvalidResponse: Failure.TRANSIENT,
    exceptions.MaxConnectionsError: Failure.TRANSIENT,
    exceptions.TimeoutError: Failure.TRANSIENT,
}


@pytest.mark.parametrize("in_a_pipeline", [False, True])
@pytest.mark.parametrize("answer", ANSWERS)
def test_each_answer_ends_in_its_class(answer: str, in_a_pipeline: bool) -> None:
    """As the client understands it. In a pipeline it sets other words before the answer."""
    client: Any = BaseParser
    error = client.parse_error(answer)
    if in_a_pipeline:
        pipeline: Any = Pipeline
        pipeline.annotate_exception(None, error, 1, ["EVALSHA", "BUSY", "of a test"])
    ends: dict[Failure, type[Exception]] = {Failure.TRANSIENT: Unavailable, Failure.MISCONFIGURED: Misconfigured}
    with pytest.raises(ends.get(ANSWERS[answer], type(error))) as raised, failures_as_unavailable():
        raise error
    assert isinstance(raised.value, Misconfigured) == (ANSWERS[answer] is Failure.MISCONFIGURED)


@pytest.mark.parametrize(("error", "failure"), BY_THE_CLIENT.items())
def test_what_the_client_says_itself_ends_in_its_class(error: type[exceptions.RedisError], failure: Failure) -> None:
    assert failure_of(error("a test says so")) is failure


def test_every_class_for_which_the_client_has_a_word_is_among_the_answers() -> None:
    unused = {"EXECABORT", "NOSCRIPT"}  # the client raises what caused the first, and repeats after the second
    words = {word for word, known in BaseParser.EXCEPTION_CLASSES.items() if not isinstance(known, dict)}
    assert words - unused <= {answer.split()[0] for answer in ANSWERS}


def test_what_a_deployment_must_mend_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Misconfigured), failures_as_unavailable():
        raise exceptions.AuthenticationError("WRONGPASS")
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.ERROR, "Redis is misconfigured: WRONGPASS")
    ]
