"""The envelope in which personal data is stored."""

from pydantic import Field

from chalicelib.platform.eventsourcing.event import StoredModel


class Sealed(StoredModel):
    """`{"$enc": …, "key": …, "v": 1}`: base64 of nonce and AES-256-GCM ciphertext, the person whose key opens it, and
    the version of this format."""

    ciphertext: str = Field(alias="$enc")
    key: str = Field(alias="key")
    format_version: int = Field(default=1, alias="v")
