"""Settings: one frozen object, read from the environment once."""

import json
import os
from collections.abc import MutableMapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

STACK_FILE = "STACK_FILE"
"""Names a JSON file with defaults for the environment: how `chalice local` finds the running local stack."""


class NotConfigured(RuntimeError):
    """A setting that this Lambda needs is missing: a fault of the deployment."""


@dataclass(frozen=True)
class Settings:
    """Every setting is an environment variable of the same name in capitals. Empty means not set."""

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
    sandbox_table: str = ""
    sandbox_secret: str = ""
    sandbox_secret_id: str = ""
    database_url: str = ""
    database_secret_id: str = ""
    redis_url: str = ""
    stripe_api_key: str = ""
    stripe_webhook_secret: str = ""
    stripe_secret_id: str = ""
    stripe_api_base: str = ""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwks_url: str = ""
    jwks_file: str = ""
    master_key_file: str = ""
    master_key_id: str = ""
    archive_bucket: str = ""
    heads_bucket: str = ""
    signing_key_file: str = ""
    signing_key_id: str = ""
    hold_minutes: str = "15"
    payment_minutes: str = "15"
    payment_providers: str = "sandbox"

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] = os.environ) -> "Settings":
        """Variables that are set win over the stack file's; those that the SDK reads are put into `environ`."""
        stack_file = Path(environ.get(STACK_FILE, ""))
        if environ.get(STACK_FILE) and stack_file.is_file():
            for name, value in json.loads(stack_file.read_text()).items():
                environ.setdefault(name, value)
        names = {field.name: field.name.upper() for field in fields(cls)}
        return cls(**{field: environ[name] for field, name in names.items() if environ.get(name)})

    def need(self, field: str) -> str:
        """Raises NotConfigured for a setting that is not set."""
        value: str = getattr(self, field)
        if not value:
            raise NotConfigured(f"{field.upper()} is not set")
        return value

    @property
    def hold_for(self) -> timedelta:
        return timedelta(minutes=float(self.hold_minutes))

    @property
    def pay_within(self) -> timedelta:
        return timedelta(minutes=float(self.payment_minutes))
