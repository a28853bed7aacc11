"""A payment provider for development and tests: a small one with a memory, whose decisions the token makes."""

from chalicelib.shop.orders.payments.sandbox.entries import Decision, Entry, Ledger, MemoryLedger
from chalicelib.shop.orders.payments.sandbox.gateway import Deliver, SandboxGateway
from chalicelib.shop.orders.payments.sandbox.tokens import DELAY, Token

__all__ = ["DELAY", "Decision", "Deliver", "Entry", "Ledger", "MemoryLedger", "SandboxGateway", "Token"]
