"""Defines the command that checks a buyer's proof, without the shop."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from chalicelib.platform.errors import InvalidInput
from chalicelib.shop.orders.proofs.verification import Certificate, KeySet, Proof, faults_of
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Model = TypeVar("Model", bound=BaseModel)


def prove(options: argparse.Namespace) -> Report:
    """Check a buyer's proof that a ticket is counted among those sold; only public keys are needed, and no network."""
    proof, keys = _read(Proof, options.proof), _read(KeySet, options.keys)
    published = _read(Certificate, options.certificate) if options.certificate else None
    earlier = _read(Proof, options.earlier) if options.earlier else None
    try:
        faults = faults_of(proof, keys, published, earlier)
    except ValueError as error:
        raise InvalidInput(f"{options.keys} has a key that is none.") from error
    rows = [{"certificate": str(proof.certificate.number), "fault": fault} for fault in faults]
    return Report(rows, [proof.model_dump(mode="json")], ok=not faults, headline=(_in_words(proof, bool(faults)),))


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("prove", help=prove.__doc__)
    parser.add_argument("proof", type=Path, help="the answer of GET /orders/ORDER/tickets/TICKET/proof")
    parser.add_argument("--keys", type=Path, required=True, help="the answer of GET /concerts/CONCERT/ticket-keys")
    parser.add_argument("--certificate", type=Path, help="the same certificate as others have it")
    parser.add_argument("--earlier", type=Path, help="an earlier proof of the same ticket, which this one must follow")
    parser.set_defaults(command=prove)


def _read(model: type[Model], path: Path) -> Model:
    """Read a file.

    Raises InvalidInput.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(f"{path} is not what it should be: {place}: {first['msg']}.") from error


def _in_words(proof: Proof, has_faults: bool) -> str:
    certificate = proof.certificate
    if has_faults:
        return f"Ticket {proof.ticket_id} is not proven to be among those sold."
    found = "is one of" if proof.counts else "was revoked, and is none of"
    return (
        f"Ticket {proof.ticket_id} {found} the {certificate.sold} tickets sold of concert {certificate.concert_id}, "
        f"as counted at {certificate.counted_at} (certificate {certificate.number}, {certificate.issued} issued)."
    )
