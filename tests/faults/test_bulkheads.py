"""A full Postgres and a slow Redis hold nobody: not the buyers, and after the first caller not the visitors either."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import psycopg
import pytest

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.breaker import LONGEST_REST, Breaker
from chalicelib.platform.clock import utc_now
from chalicelib.settings import Settings
from local.slow_proxy import SlowProxy
from tests.journeys.shop import Published, Shop, made, order_of, publish_concert, refused

pytestmark = pytest.mark.usefixtures("everything_up_again")

BUYERS = 32
AT_ONCE = 8
SLOW = 2.0
"""In seconds: how long Redis takes for an answer."""


REFUSED_IN_A_ROW = 50


@dataclass
class Servers:
    """Postgres and Redis behind proxies, and the clock of the breakers before them, which stands still."""

    postgres: SlowProxy
    redis: SlowProxy
    database_url: str
    now: float = 0.0
    _hogs: list[psycopg.Connection[tuple[object, ...]]] = field(default_factory=list)

    def fail(self, fault: str) -> None:
        if fault != "redis":
            refused = 0
            while refused < REFUSED_IN_A_ROW:  # a backend that is just ending gives its place back a little later
                try:
                    self._hogs.append(psycopg.connect(self.database_url))
                    refused = 0
                except psycopg.OperationalError:  # too many clients
                    refused += 1
        if fault != "postgres":
            self.redis.delay = SLOW

    def recover(self) -> None:
        while self._hogs:
            self._hogs.pop().close()
        self.redis.delay = 0.0


@pytest.fixture
def servers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    real = Settings.from_environment()
    with ExitStack() as proxies:
        postgres, redis = (
            proxies.enter_context(SlowProxy(url.hostname or "", url.port or 0).running())
            for url in (urlsplit(real.database_url), urlsplit(real.redis_url))
        )
        servers = Servers(postgres, redis, real.database_url)
        monkeypatch.setattr("chalicelib.composition.Breaker", lambda server: Breaker(server, lambda: servers.now))
        settings = replace(
            real,
            database_url=urlsplit(real.database_url)._replace(netloc=f"postgres@{postgres.address}").geturl(),
            redis_url=urlsplit(real.redis_url)._replace(netloc=redis.address).geturl(),
        )
        composition.use(Composition(settings, utc_now))
        try:
            yield servers
        finally:
            servers.recover()
            composition.use(None)
            assert shop.stack


def search(shop: Shop) -> int:
    return shop.visitor().get("/concerts").status_code


def source(shop: Shop, concert: Published) -> str:
    """Where the answer comes from. Who is asked to come again, while another reads the log, comes again."""
    answer = shop.visitor().get(f"/concerts/{concert.concert_id}/availability")
    while answer.status_code == 503 and answer.json()["code"] == "read_model_behind":
        answer = shop.visitor().get(f"/concerts/{concert.concert_id}/availability")
    return str(made(answer)["source"])


@pytest.mark.parametrize("fault", ["postgres", "redis", "both"])
def test_one_caller_meets_the_fault_and_while_32_buy_nobody_waits_for_the_server_again(
    shop: Shop, servers: Servers, fault: str
) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 2 * BUYERS})
    shop.settle()
    servers.fail(fault)
    searched, seen = (200 if fault == "redis" else 503), ("read_model" if fault == "postgres" else "log")
    assert (search(shop), source(shop, concert)) == (searched, seen)
    reached = {"postgres": servers.postgres.reached, "redis": servers.redis.reached}

    def buy_and_look(_: int) -> tuple[int, str]:
        order_of(shop.customer(), concert.ticket_type_id, 1)
        return search(shop), source(shop, concert)

    with ThreadPoolExecutor(AT_ONCE) as buyers:
        assert set(buyers.map(buy_and_look, range(BUYERS))) == {(searched, seen)}
    if fault != "redis":
        assert servers.postgres.reached == reached["postgres"]
    if fault != "postgres":
        assert servers.redis.reached == reached["redis"]


def test_a_probe_finds_the_servers_again(shop: Shop, servers: Servers) -> None:
    concert = publish_concert(shop.organiser())
    shop.settle()
    servers.fail("both")
    assert (search(shop), source(shop, concert)) == (503, "log")
    servers.recover()
    assert (search(shop), source(shop, concert)) == (503, "log")
    servers.now += LONGEST_REST
    assert (search(shop), source(shop, concert)) == (200, "read_model")
    assert (search(shop), source(shop, concert)) == (200, "read_model")


def test_a_refused_search_says_when_to_come_again(shop: Shop, servers: Servers) -> None:
    servers.fail("postgres")
    for _ in range(2):
        away = shop.visitor().get("/concerts")
        refused(away, 503, "unavailable")
        assert int(away.headers["retry-after"]) > 0
