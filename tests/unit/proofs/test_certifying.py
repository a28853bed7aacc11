"""How the tickets of a concert are counted: each once, for good, and at most as revoked."""

import logging
from datetime import timedelta
from hashlib import sha256
from itertools import count
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import Misconfigured
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots
from chalicelib.shop.orders.proofs import statements
from chalicelib.shop.orders.proofs.counter import SNAPSHOT_EVERY, SOLD_COUNTER, counter_id
from chalicelib.shop.orders.proofs.proving import CertifiedRegisters, NotCountedYet, get_certificate, list_part, prove
from chalicelib.shop.orders.proofs.register import Register, RegisterContradicted
from chalicelib.shop.orders.proofs.registers import MemoryRegisters
from tests.support.proofs import CountingHouse


@pytest.fixture
def house() -> CountingHouse:
    return CountingHouse()


def entries(house: CountingHouse, concert_id: UUID, number: int) -> list[str]:
    """What anybody may see of the register behind a certificate."""
    certified = house.certificate(concert_id, number)
    return Register(house.registers.stored[concert_id, certified.root]).public_list()


def test_a_certificate_counts_issued_and_valid_tickets_and_follows_the_one_before(house: CountingHouse) -> None:
    concert_id, [first, *_] = house.sell(5)
    assert house.certify(concert_id)
    house.sell(2, concert_id)
    house.revoke(concert_id, first)
    assert house.certify(concert_id)
    one, two = house.certificate(concert_id, 1), house.certificate(concert_id)
    assert (one.number, one.issued, one.sold, one.previous) == (1, 5, 5, "0" * 64)
    assert (two.number, two.issued, two.sold) == (2, 7, 6)
    assert two.previous == sha256(one.statement).hexdigest()


def test_what_is_certified_already_appends_nothing(house: CountingHouse) -> None:
    concert_id, _ = house.sell(3)
    assert [house.certify(concert_id) for _ in range(3)] == [True, False, False]
    assert house.counter(concert_id).number == 1


def test_a_counted_ticket_keeps_its_place_and_its_commitment(house: CountingHouse) -> None:
    concert_id, tickets = house.sell(4)
    house.certify(concert_id)
    house.sell(3, concert_id)
    house.revoke(concert_id, tickets[1])
    house.certify(concert_id)
    before, after = entries(house, concert_id, 1), entries(house, concert_id, 2)
    assert [one[:64] for one in after[:4]] == [one[:64] for one in before]
    assert [one[64] for one in after] == ["1", "0", "1", "1", "1", "1", "1"]


def test_nobody_finds_a_ticket_by_its_id_in_what_is_public(house: CountingHouse) -> None:
    concert_id, [ticket_id] = house.sell(1)
    house.certify(concert_id)
    [listed] = entries(house, concert_id, 1)
    assert listed[:64] == sha256(bytes.fromhex(house.proof(concert_id, ticket_id).salt) + ticket_id.bytes).hexdigest()
    assert Register().followed_by({ticket_id.bytes: True}, lambda: b"another salt 123").public_list() != [listed]


@pytest.mark.parametrize("says", ["the ticket is gone", "the ticket is valid again"])
def test_sales_that_contradict_a_certificate_get_no_other_one(
    house: CountingHouse, caplog: pytest.LogCaptureFixture, says: str
) -> None:
    concert_id, [first, second, _] = house.sell(3)
    house.revoke(concert_id, first)
    house.certify(concert_id)
    other_id, _ = house.sell(1)
    house.sell(2, concert_id)
    if says == "the ticket is gone":
        del house.sales[concert_id][second]
    else:
        house.sales[concert_id][first] = True
    with caplog.at_level(logging.ERROR), pytest.raises(RegisterContradicted):
        house.certify(concert_id)
    assert house.certify_all() == 1
    assert [house.counter(key).number for key in (concert_id, other_id)] == [1, 1]
    assert str(concert_id) in caplog.text


def test_a_register_that_somebody_has_changed_is_not_certified_further_nor_shown(house: CountingHouse) -> None:
    concert_id, tickets = house.sell(3)
    house.certify(concert_id)
    [(key, content)] = house.registers.stored.items()
    house.registers.stored[key] = content[:-1] + b"\0"
    house.sell(1, concert_id)
    with pytest.raises(RegisterContradicted):
        house.certify(concert_id)
    with pytest.raises(Misconfigured):
        house.proof(concert_id, tickets[0])


def test_of_two_runs_at_once_one_certifies(house: CountingHouse) -> None:
    concert_id, _ = house.sell(2)

    class Second(CountingHouse):
        """Runs while the first one has stored its register and not yet appended."""

        def __init__(self) -> None:
            self.__dict__.update(house.__dict__)
            self.repository = house.shop.other_container()

    class Overtaken(MemoryRegisters):
        def put(self, concert_id: UUID, root: str, content: bytes) -> None:
            super().put(concert_id, root, content)
            if len(self.stored) == 1:
                assert Second().certify(concert_id)

    house.registers = Overtaken()
    assert not house.certify(concert_id)
    assert house.counter(concert_id).number == 1
    assert house.proof(concert_id, next(iter(house.sales[concert_id]))).counts


def test_a_run_asks_the_log_nothing_about_what_the_container_has_certified(house: CountingHouse) -> None:
    for _ in range(3):
        house.sell(2)
    assert house.certify_all() == 3
    reads, house.asked = house.shop.store.usage.reads, []
    assert house.certify_all() == 0
    assert (house.shop.store.usage.reads - reads, house.asked) == (0, [statements.CONCERTS, statements.COUNTS])


def test_a_new_container_reads_one_stream_a_concert_and_no_ticket(house: CountingHouse) -> None:
    for _ in range(3):
        house.sell(2)
    house.certify_all()
    house.repository, reads, house.asked = house.shop.other_container(), house.shop.store.usage.reads, []
    assert house.certify_all() == 0
    assert (house.shop.store.usage.reads - reads, house.asked) == (3, [statements.CONCERTS, statements.COUNTS])


def test_each_concert_has_its_minute_of_a_quarter_of_an_hour(house: CountingHouse) -> None:
    house.certificate_minutes = 15
    for _ in range(40):
        house.sell(1)
    certified = []
    for _ in range(15):
        certified.append(house.certify_all())
        house.clock.advance(timedelta(minutes=1))
    assert sum(certified) == 40
    assert max(certified) < 20


def test_a_ticket_that_was_sold_since_is_not_counted_yet(house: CountingHouse) -> None:
    concert_id, _ = house.sell(1)
    with pytest.raises(NotCountedYet):
        house.proof(concert_id, uuid4())
    house.certify(concert_id)
    _, [new] = house.sell(1, concert_id)
    with pytest.raises(NotCountedYet) as refused:
        prove(house.shop.store, CertifiedRegisters(house.registers), house.book, concert_id, new)
    assert refused.value.facts == {"counted_at": house.certificate(concert_id).counted_at}


def test_a_part_of_the_register_is_read_alone(house: CountingHouse) -> None:
    concert_id, _ = house.sell(7)
    house.certify(concert_id)
    found = get_certificate(house.shop.store, concert_id)
    parts = [list_part(house.registers, found, position, 3) for position in (0, 3, 6, 9)]
    assert [len(part) for part in parts] == [3, 3, 1, 0]
    assert [one for part in parts for one in part] == entries(house, concert_id, 1)


def test_a_container_holds_a_few_registers_and_no_more(house: CountingHouse) -> None:
    registers, concerts = CertifiedRegisters(house.registers), [house.sell(1)[0] for _ in range(20)]
    house.certify_all()
    for _, concert_id in zip(range(40), concerts * 2, strict=True):
        registers.get(concert_id, house.counter(concert_id).root)
    assert len(registers._known) == 8  # noqa: SLF001 - what it holds is no one's business but its own


def test_a_counter_with_many_certificates_is_loaded_from_its_snapshot(house: CountingHouse) -> None:
    concert_id, _ = house.sell(1)
    house.repository = Repository(house.shop.store, house.clock, snapshots=(snapshots := MemorySnapshots()))
    for _ in range(2 * SNAPSHOT_EVERY + 5):
        house.sell(1, concert_id)
        assert house.certify(concert_id)
    items = house.shop.store.usage.items_read
    other = Repository(house.shop.store, house.clock, snapshots=snapshots)
    counter, version = other.load(SOLD_COUNTER, counter_id(concert_id))
    assert (counter.number, version) == (2 * SNAPSHOT_EVERY + 5, 2 * SNAPSHOT_EVERY + 4)
    assert counter == house.counter(concert_id)
    assert house.shop.store.usage.items_read - items <= 4 * SNAPSHOT_EVERY + 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 19), max_size=3)), max_size=8))
def test_whatever_is_sold_and_revoked_every_certificate_keeps_what_was_counted(
    steps: list[tuple[int, list[int]]],
) -> None:
    salts, states, register = count(), dict[bytes, bool](), Register()
    for sold, revoked in steps:
        states |= {uuid4().bytes: True for _ in range(sold)}
        keys = list(states)
        states |= {keys[place]: False for place in revoked if place < len(keys)}
        before, register = register, register.followed_by(states, lambda: next(salts).to_bytes(16))
        for old, new in zip(before.public_list(), register.public_list(), strict=False):
            assert old[:64] == new[:64]
            assert old[64] >= new[64]
        assert (len(register), register.tree().root.counted) == (len(states), sum(states.values()))
