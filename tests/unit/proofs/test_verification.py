"""What a proof shows to somebody who has nothing but the public keys: each way to cheat is found."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.shop.orders.doors import commands
from chalicelib.shop.orders.proofs.counter import SOLD_COUNTER, SoldCounter, counter_id
from chalicelib.shop.orders.proofs.register import RECORD_BYTES, Register
from chalicelib.shop.orders.proofs.verification import Certificate, Proof, faults_of
from ops.__main__ import main
from tests.support.proofs import ORIGIN, CountingHouse
from tests.support.shop import OPERATOR

PAGE = Path(__file__).parents[3] / "docs" / "proofs.md"
Json = dict[str, Any]


class Sale(CountingHouse):
    """A concert with eleven tickets, one of which was revoked."""

    def __init__(self) -> None:
        super().__init__()
        self.concert_id, self.tickets = self.sell(11, self.shop.on_sale()[0])
        self.revoke(self.concert_id, self.tickets[4])
        self.certify(self.concert_id)

    def proof_of(self, place: int) -> Proof:
        return self.proof(self.concert_id, self.tickets[place])

    def faults(self, proof: Proof, **others: Any) -> list[str]:
        return faults_of(proof, self.keys(self.concert_id), **others)

    def understate(self, *places: int) -> Certificate:
        """Publish a certificate without these tickets, as a shop that lies for an organiser would."""
        key = counter_id(self.concert_id)
        content = self.registers.stored[self.concert_id, self.counter(self.concert_id).root]
        records = [content[start : start + RECORD_BYTES] for start in range(0, len(content), RECORD_BYTES)]
        register = Register(b"".join(record for place, record in enumerate(records) if place not in places))
        root = register.tree().root
        self.registers.put(self.concert_id, root.hash.hex(), register.content)
        facts = (self.concert_id, len(register), root.counted, root.hash.hex(), self.clock(), self.clock())
        [event] = SoldCounter.certify(self.counter(self.concert_id), *facts)
        self.repository.execute(lambda session: session.append(SOLD_COUNTER, key, event), ORIGIN)
        return self.certificate(self.concert_id)


@pytest.fixture
def certified() -> Sale:
    return Sale()


def changed(proof: Proof, change: Callable[[Json], None]) -> Proof:
    content = proof.model_dump(mode="json")
    change(content)
    return Proof.model_validate_json(json.dumps(content))


def test_every_ticket_of_a_concert_is_proven_and_the_revoked_one_as_such(certified: Sale) -> None:
    published = certified.certificate(certified.concert_id)
    for place in range(11):
        proof = certified.proof_of(place)
        assert certified.faults(proof, published=published) == []
        assert proof.counts == (place != 4)
    assert (published.issued, published.sold) == (11, 10)


def test_whose_ticket_was_left_out_finds_no_proof_for_the_published_root(certified: Sale) -> None:
    """The organiser is to pay for ten tickets, and has the shop say nine, to all the same."""
    kept, dropped = certified.proof_of(3), certified.proof_of(7)
    published = certified.understate(7)
    assert published.sold == 9
    others = certified.proof_of(3)
    assert certified.faults(others, published=published) == []
    moved = dropped.model_copy(update={"certificate": published})
    assert certified.faults(moved) == ["the ticket is not in the tree of certificate 2 as the proof says"]
    for issued in (10, 11):
        lie = published.model_copy(update={"issued": issued})
        assert certified.faults(dropped.model_copy(update={"certificate": lie}))
    assert certified.faults(others, earlier=kept)[-1:] == ["11 tickets had been issued before, and now only 10"]


def test_whoever_kept_a_proof_notices_that_places_have_moved(certified: Sale) -> None:
    before = certified.proof_of(9)
    certified.understate(2)
    after = certified.proof_of(9)
    assert certified.faults(after) == []
    assert certified.faults(after, earlier=before) == [
        "the ticket has lost its place in the register",
        "11 tickets had been issued before, and now only 10",
    ]


def test_a_smaller_number_under_the_same_root_is_found_by_every_buyer(certified: Sale) -> None:
    keys = certified.keys(certified.concert_id)
    lie = certified.certificate(certified.concert_id).model_copy(update={"sold": 9})
    key = certified.book.signing_key(certified.concert_id)
    signed = lie.model_copy(update={"signature": key.sign(lie.statement).hex()})
    for place in range(11):
        proof = certified.proof_of(place).model_copy(update={"certificate": signed})
        assert faults_of(proof, keys) == ["certificate 1 says 9 sold, and its tree has 10"]


def test_two_certificates_with_one_number_are_a_fraud_that_either_of_two_buyers_can_show(certified: Sale) -> None:
    proof, certificate = certified.proof_of(0), certified.certificate(certified.concert_id)
    key = certified.book.signing_key(certified.concert_id)
    lie = certificate.model_copy(update={"sold": 1, "root": "0" * 64})
    other = lie.model_copy(update={"signature": key.sign(lie.statement).hex()})
    fraud = ["there are two certificates with the number 1: others were told something else"]
    assert certified.faults(proof, published=other) == fraud


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda proof: proof.update(counts=False), "the ticket is not in the tree"),
        (lambda proof: proof.update(position=1), "the ticket is not in the tree"),
        (lambda proof: proof.update(position=11), "the ticket is not in the tree"),
        (lambda proof: proof.update(salt="f" * 32), "the ticket is not in the tree"),
        (lambda proof: proof.update(ticket_id=str(uuid4())), "the ticket is not in the tree"),
        (lambda proof: proof.update(path=proof["path"][1:]), "the ticket is not in the tree"),
        (lambda proof: proof.update(path=[*proof["path"], *proof["path"][:1]]), "the ticket is not in the tree"),
        (lambda proof: proof["path"][0].update(count=2), "the ticket is not in the tree"),
        (lambda proof: proof["certificate"].update(number=2), "certificate 2 was not signed by the shop"),
        (lambda proof: proof["certificate"].update(counted_at="2031-01-01T00:00:00.000Z"), "was not signed"),
        (lambda proof: proof["certificate"].update(sold=11), "was not signed"),
        (lambda proof: proof["certificate"].update(previous="1" * 64), "was not signed"),
        (lambda proof: proof["certificate"].update(concert_id=str(uuid4())), "was not signed"),
        (lambda proof: proof["certificate"].update(key_id="00000000"), "which is not among the keys"),
    ],
)
def test_a_proof_that_was_changed_anywhere_fails(certified: Sale, change: Callable[[Json], None], fault: str) -> None:
    found = certified.faults(changed(certified.proof_of(0), change))
    assert any(fault in one for one in found), found


def test_a_later_proof_follows_the_earlier_one_also_after_a_revocation(certified: Sale) -> None:
    earlier = certified.proof_of(0)
    certified.sell(5, certified.concert_id)
    certified.revoke(certified.concert_id, certified.tickets[0])
    certified.certify(certified.concert_id)
    later = certified.proof_of(0)
    assert certified.faults(later, earlier=earlier) == []
    assert (earlier.counts, later.counts) == (True, False)
    assert certified.faults(earlier, earlier=later) == ["the earlier proof is about certificate 2, which is newer"]
    assert certified.faults(certified.proof_of(1), earlier=earlier) == ["the earlier proof is about another ticket"]


def test_after_another_key_signs_the_earlier_proof_still_counts_and_says_the_same(certified: Sale) -> None:
    before, shop = certified.proof_of(0), certified.shop
    commands.rotate_key(shop.repository, shop.request(OPERATOR), certified.concert_id, "every year")
    after = certified.proof_of(0)
    assert after.certificate.key_id != before.certificate.key_id
    assert after.certificate.statement == before.certificate.statement
    assert certified.faults(before) == certified.faults(after, earlier=before) == []


def written(tmp_path: Path, certified: Sale, proof: Proof) -> list[str]:
    files = {"proof.json": proof, "keys.json": certified.keys(certified.concert_id)}
    for name, model in files.items():
        (tmp_path / name).write_text(model.model_dump_json())
    return [str(tmp_path / name) for name in files]


@pytest.mark.parametrize(
    ("place", "says"), [(0, "counted among 10"), (4, "revoked among 10"), (10, "counted among 10")]
)
def test_the_lines_on_the_page_check_a_proof_without_the_project(
    certified: Sale, tmp_path: Path, place: int, says: str
) -> None:
    [lines] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "check.py").write_text(lines)

    def run(proof: Proof) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(tmp_path / "check.py"), *written(tmp_path, certified, proof)]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - lines of our own

    proof = certified.proof_of(place)
    assert run(proof).stdout.strip() == says
    lies: list[Callable[[Json], None]] = [
        lambda content: content.update(counts=not content["counts"]),
        lambda content: content.update(ticket_id=str(uuid4())),
        lambda content: content["certificate"].update(sold=9),
    ]
    for lie in lies:
        ended = run(changed(proof, lie))
        assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr


def test_the_command_says_whether_a_ticket_is_counted(
    certified: Sale, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof, keys = written(tmp_path, certified, certified.proof_of(0))
    published = tmp_path / "certificate.json"
    published.write_text(certified.certificate(certified.concert_id).model_dump_json())
    assert main(["prove", proof, "--keys", keys, "--certificate", str(published), "--earlier", proof]) == 0
    assert "is one of the 10 tickets sold" in " ".join(capsys.readouterr().out.split())
    written(tmp_path, certified, certified.proof_of(4))
    assert main(["prove", proof, "--keys", keys]) == 0
    assert "was revoked, and is none of" in " ".join(capsys.readouterr().out.split())
    written(tmp_path, certified, changed(certified.proof_of(0), lambda content: content.update(position=2)))
    assert main(["prove", proof, "--keys", keys]) == 1
    assert "is not proven" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"ticket_id": 1}', "\xff", '{"keys": [{"kid": "0", "x": "AA"}]}'])
def test_the_command_says_in_one_line_what_it_cannot_read(
    certified: Sale, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    proof, keys = written(tmp_path, certified, certified.proof_of(0))
    Path(keys).write_text(content, encoding="latin-1")
    assert main(["prove", proof, "--keys", keys]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "keys.json" in printed.err
    assert main(["prove", str(tmp_path / "nothing.json"), "--keys", keys]) == 1
    assert "cannot be read" in capsys.readouterr().err
