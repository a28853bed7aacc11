"""Defines the envelope in which personal data is stored."""

from pydantic import Field

from chalicelib.platform.eventsourcing.event import StoredModel


class Sealed(StoredModel):
    """Holds `{"$enc": …, "key": …, "v": 1}`.

    `$enc` is base64 of nonce and AES-256-GCM ciphertext, `key` the person whose key opens it, `v` the version of this
    format.
    """

    ciphertext: str = Field(alias="$enc")
    key: str = Field(alias="key")
    format_version: int = Field(default=1, alias="v")
