"""Reads the settings from the environment, once, into one frozen object."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

STACK_FILE = "STACK_FILE"
"""Names a JSON file with defaults for the environment: how `chalice local` finds the running local stack."""


PAYMENT_PROVIDERS = ("sandbox", "stripe", "none")
"""The providers that a stage can admit; with `none` it sells free tickets only."""

APPEND_WITH = ("put", "partiql")

STAFF_MFA = ("required", "optional")
"""Whether the roles of staff count only in tokens that claim a second factor."""

WEBHOOK_RECEIVERS = ("public", "loopback")
"""Whether webhooks go to the internet alone, or in development to receivers on this machine as well."""

PRINTED_HERE = "here"
"""Has tickets printed by the process that is asked for them, as in development, and not by a function."""

_LONGEST_MINUTES = 7 * 24 * 60
_LARGEST_COUNT = 1_000_000

_MOST_PATIENT = 10
"""How many times as long as on AWS a query may wait, where servers and shop share a machine with everything else."""
_SHORTEST_KEY = 32

UNDER_CHALICE = "AWS_CHALICE_CLI_MODE"
"""Set by `chalice local` for what it imports."""


def says_no_stack(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return what to do if Chalice's command line wants the local stack and there is none, or None."""
    name = environ.get(STACK_FILE)
    if UNDER_CHALICE not in environ or not name or Path(name).is_file():
        return None
    return f"No stack runs here ({name} is missing): start `make run` first, or use its API, which is the same."


class NotConfigured(RuntimeError):
    """A setting that this Lambda needs is missing: a fault of the deployment."""


class InvalidSettings(NotConfigured):
    """Some settings are misspelt or have values that they cannot have; the message names each with the reason."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Settings:
    """Holds every setting, from the environment variable of the same name in capitals. Empty means not set."""

    stage: str = "dev"
    events_table: str = ""
    events_stream_arn: str = ""
    event_bus: str = ""
    snapshots_table: str = ""
    marks_table: str = ""
    append_with: str = "put"
    read_table: str = ""
    person_keys_table: str = ""
    parked_table: str = ""
    process_table: str = ""
    work_queue: str = ""
    work_queue_url: str = ""
    webhook_queue: str = ""
    webhook_queue_url: str = ""
    webhook_receivers: str = "public"
    mail_queue: str = ""
    mail_queue_url: str = ""
    mail_from: str = ""
    mail_name: str = "Cloudbash"
    mail_events: str = ""
    mail_folder: str = ""
    public_shop_url: str = ""
    public_api_url: str = ""
    counters_table: str = ""
    sandbox_table: str = ""
    sandbox_secret: str = ""
    sandbox_secret_id: str = ""
    database_url: str = ""
    database_secret_id: str = ""
    redis_url: str = ""
    query_patience: float = 1.0
    stripe_api_key: str = ""
    stripe_webhook_secret: str = ""
    stripe_secret_id: str = ""
    stripe_api_base: str = ""
    payment_return_url: str = ""
    id_key: str = ""
    id_key_secret_id: str = ""
    ticket_key: str = ""
    ticket_key_secret_id: str = ""
    paper_function: str = PRINTED_HERE
    wallets_file: str = ""
    wallets_secret_id: str = ""
    guest_key: str = ""
    guest_key_secret_id: str = ""
    guest_minutes: float = 120.0
    guests_per_address: int = 100
    guest_window_minutes: float = 10.0
    guest_tickets_per_address: int = 60
    jwt_issuer: str = ""
    jwt_audience: str = ""
    staff_mfa: str = "optional"
    user_pool_arn: str = ""
    jwks_url: str = ""
    jwks_file: str = ""
    master_key_file: str = ""
    master_key_id: str = ""
    archive_bucket: str = ""
    heads_bucket: str = ""
    certificate_minutes: int = 15
    signing_key_file: str = ""
    signing_key_id: str = ""
    hold_minutes: float = 15.0
    payment_minutes: float = 15.0
    cool_down_minutes: float = 15.0
    open_carts: int = 1
    held_per_concert: int = 10
    unpaid_orders: int = 3
    cart_burst: int = 20
    payment_providers: tuple[str, ...] = ("sandbox",)
    declines_per_customer: int = 5
    declines_per_address: int = 20
    decline_minutes: float = 60.0

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] = os.environ) -> "Settings":
        """Read and check every setting.

        Variables that are set win over the stack file's; those that the SDK reads are put into `environ`.
        Raises InvalidSettings.
        """
        stack_file = Path(environ.get(STACK_FILE, ""))
        if environ.get(STACK_FILE) and stack_file.is_file():
            for name, value in json.loads(stack_file.read_text()).items():
                environ.setdefault(name, value)
        given = {
            field.name: environ[_variable(field.name)] for field in fields(cls) if environ.get(_variable(field.name))
        }
        faults = [*_misspelt(environ), *(f"{_variable(name)} {fault}" for name, fault in _faults(given))]
        if faults:
            raise InvalidSettings(faults)
        return cls(**{name: _TYPED.get(name, str)(value) for name, value in given.items()})

    def need(self, field: str) -> str:
        """Return a setting that must be set.

        Raises NotConfigured.
        """
        value: str = getattr(self, field)
        if not value:
            raise NotConfigured(f"{_variable(field)} is not set")
        return value

    @property
    def hold_for(self) -> timedelta:
        """Return the time for which tickets in a cart are held."""
        return timedelta(minutes=self.hold_minutes)

    @property
    def pay_within(self) -> timedelta:
        """Return the time for which an order waits for its payment."""
        return timedelta(minutes=self.payment_minutes)

    @property
    def cool_down(self) -> timedelta:
        """Return the break after which a customer may hold tickets of a concert for the full time again."""
        return timedelta(minutes=self.cool_down_minutes)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


_TYPED: Mapping[str, Callable[[str], Any]] = {
    "hold_minutes": float,
    "payment_minutes": float,
    "cool_down_minutes": float,
    "open_carts": int,
    "held_per_concert": int,
    "unpaid_orders": int,
    "cart_burst": int,
    "query_patience": float,
    "payment_providers": _names,
    "declines_per_customer": int,
    "declines_per_address": int,
    "decline_minutes": float,
    "guest_minutes": float,
    "guests_per_address": int,
    "guest_window_minutes": float,
    "guest_tickets_per_address": int,
    "certificate_minutes": int,
}


def _faults(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        fault = _CHECKS[name](value) if name in _CHECKS else None
        if fault is not None:
            yield name, fault


def _minutes(text: str) -> str | None:
    try:
        is_right = 0 < float(text) <= _LONGEST_MINUTES
    except ValueError:
        is_right = False
    return None if is_right else f"must be a number of minutes, up to {_LONGEST_MINUTES}, and is {text!r}"


def _count(text: str) -> str | None:
    is_right = text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST_COUNT
    return None if is_right else f"must be a whole number, from 1 to {_LARGEST_COUNT}, and is {text!r}"


def _patience(text: str) -> str | None:
    try:
        is_right = 1 <= float(text) <= _MOST_PATIENT
    except ValueError:
        is_right = False
    return None if is_right else f"must be a number from 1 to {_MOST_PATIENT}, and is {text!r}"


def _providers(text: str) -> str | None:
    unknown = [name for name in _names(text) if name not in PAYMENT_PROVIDERS]
    return f"must name some of {', '.join(PAYMENT_PROVIDERS)}, and names {', '.join(unknown)!r}" if unknown else None


def _one_of(*choices: str) -> Callable[[str], str | None]:
    def check(text: str) -> str | None:
        return None if text in choices else f"must be one of {', '.join(choices)}, and is {text!r}"

    return check


def _address(*schemes: str) -> Callable[[str], str | None]:
    """Return a check of a URL's scheme, which never repeats the value: it may hold a password."""

    def check(text: str) -> str | None:
        return None if text.partition("://")[0] in schemes else f"must begin with {' or '.join(schemes)}://"

    return check


def _key(text: str) -> str | None:
    """Check a key's length, without ever repeating the key."""
    return None if len(text) >= _SHORTEST_KEY else f"must have at least {_SHORTEST_KEY} characters"


def _keys(text: str) -> str | None:
    """Check the length of each key, one a line, without ever repeating one."""
    return next((fault for fault in map(_key, text.splitlines()) if fault), None)


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "hold_minutes": _minutes,
    "payment_minutes": _minutes,
    "cool_down_minutes": _minutes,
    "open_carts": _count,
    "held_per_concert": _count,
    "unpaid_orders": _count,
    "cart_burst": _count,
    "query_patience": _patience,
    "payment_providers": _providers,
    "declines_per_customer": _count,
    "declines_per_address": _count,
    "decline_minutes": _minutes,
    "guest_minutes": _minutes,
    "guests_per_address": _count,
    "guest_window_minutes": _minutes,
    "guest_tickets_per_address": _count,
    "certificate_minutes": _count,
    "append_with": _one_of(*APPEND_WITH),
    "staff_mfa": _one_of(*STAFF_MFA),
    "webhook_receivers": _one_of(*WEBHOOK_RECEIVERS),
    "id_key": _key,
    "ticket_key": _keys,
    "guest_key": _key,
    "database_url": _address("postgresql", "postgres"),
    "redis_url": _address("redis", "rediss"),
    "jwks_url": _address("https", "http"),
    "stripe_api_base": _address("https", "http"),
    "payment_return_url": _address("https", "http"),
    "public_shop_url": _address("https", "http"),
    "public_api_url": _address("https", "http"),
}


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Find variables that are one edit away from a setting: misspelt, it would silently have its default."""
    known = {_variable(field.name) for field in fields(Settings)}
    for name in sorted(environ.keys() - known):
        meant = [one for one in known if abs(len(one) - len(name)) <= 1 and _is_one_edit_away(name, one)]
        if meant:
            yield f"{name} is no setting; {meant[0]} is"


def _is_one_edit_away(one: str, other: str) -> bool:
    """Tell whether a letter is missing, too many, wrong, or swapped with the next."""
    at = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1),
        min(len(one), len(other)),
    )
    left, right = one[at:], other[at:]
    swapped = len(left) > 1 and len(right) > 1 and left[1::-1] + left[2:] == right
    return left[1:] == right[1:] or left[1:] == right or left == right[1:] or swapped


def _variable(field: str) -> str:
    return field.upper()
