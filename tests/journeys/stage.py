"""A shop that somebody else runs, at some address: what is left of the journeys is HTTP and patience."""

import json
import re
import shlex
import subprocess
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from local.checkout import STATE
from local.issuer import Issuer
from tests.journeys.shop import NotOurs, Shop, Token, wait_until

_STREAM = re.compile(r"/(venues|concerts|carts|orders)/([0-9a-f-]{36})")


class NoToken(RuntimeError):
    pass


def open_stage(base_url: str, token: Token) -> Shop:
    return Shop(base_url.rstrip("/"), token, RemotePipeline(base_url))


@dataclass(frozen=True)
class Stream:
    """The newest version that an answer has told of, and who was told."""

    path: str
    version: int
    authorization: str
    is_deleted: bool = False

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]


class RemotePipeline:
    """Waits for the versions that the answers have announced: a read that names one says how far it lags behind."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=30)
        self._streams: dict[str, Stream] = {}
        self._waited_for: set[Stream] = set()

    def notice(self, answer: httpx.Response) -> None:
        asked = _STREAM.search(answer.request.url.path)
        changed = _STREAM.search(answer.headers.get("location", "")) or asked
        if answer.request.method == "GET" or not answer.is_success or changed is None:
            return
        path, authorization = answer.request.url.path, answer.request.headers.get("authorization", "")
        if path.endswith("/checkout") and asked and changed[0] not in self._streams:
            # The answer tells of the order, and its cart has one event more as well.
            cart = self._streams[asked[0]]
            self._announce(replace(cart, version=cart.version + 1))
        is_deleted = answer.request.method == "DELETE" and path.endswith(changed[0])
        self._announce(Stream(changed[0], int(answer.headers["etag"].strip('"')), authorization, is_deleted))

    def settle(self) -> None:
        news = set(self._streams.values()) - self._waited_for
        for stream in news:
            wait_until(partial(self._is_shown, stream))
        for path in self._streams if news else ():
            if path.startswith("/concerts/"):
                wait_until(partial(self._shows_its_stock, path))
        self._waited_for |= news

    def _announce(self, stream: Stream) -> None:
        known = self._streams.get(stream.path)
        if known is None or known.version < stream.version:
            self._streams[stream.path] = stream

    def _is_shown(self, stream: Stream) -> bool:
        headers = {"Authorization": stream.authorization} if stream.authorization else {}
        if stream.is_deleted:
            return self._client.get(stream.path, headers=headers).status_code == httpx.codes.NOT_FOUND
        answer = self._client.get(stream.path, headers=headers | {"Min-Version": f"{stream.id}:{stream.version}"})
        return f"{stream.id}:0" in answer.headers.get("read-model-lag", "")

    def _shows_its_stock(self, concert: str) -> bool:
        """Whether the read model says what the log says: who names a stream that it does not follow is told by that."""
        path = f"{concert}/availability"
        shown, true = self._client.get(path), self._client.get(path, headers={"Min-Version": f"{uuid4()}:0"})
        if not true.is_success:  # it is not on sale
            return True
        return shown.is_success and shown.json() == true.json() | {"source": "read_model"}


def tokens_from(source: str | None) -> Token:
    """Nothing: the issuer of the local stack. A JSON file: of each role, the tokens of some persons. Else a command
    that prints a token, with `{role}` and `{person}` in it."""
    if not source:
        return Issuer.in_directory(STATE).token
    if Path(source).is_file():
        return _KnownPersons(json.loads(Path(source).read_text()))
    return _Command(shlex.split(source))


class _KnownPersons:
    def __init__(self, tokens: dict[str, list[str]]) -> None:
        self._unused = {role: iter(of_role) for role, of_role in tokens.items()}
        self._taken: dict[tuple[str, str], str] = {}

    def __call__(self, role: str, sub: str, **claims: Any) -> str:
        if claims:
            raise NotOurs
        if (role, sub) not in self._taken:
            token = next(self._unused.get(role, iter(())), None)
            if token is None:
                raise NoToken(f"There are not enough tokens of the role {role}.")
            self._taken[role, sub] = token
        return self._taken[role, sub]


class _Command:
    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments

    def __call__(self, role: str, sub: str, **claims: Any) -> str:
        if claims:
            raise NotOurs
        arguments = [part.format(role=role, person=sub) for part in self._arguments]
        return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()[-1]  # noqa: S603 - typed by who runs the tests
