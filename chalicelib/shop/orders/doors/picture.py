"""Draws the code of a ticket as a QR code."""

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segno import QRCode

_QUIET_ZONE = 4


def qr_of(code: str) -> "QRCode":
    """Return the QR code: version 8 at level M, so that a bent or dirty ticket is read as well."""
    import segno  # noqa: PLC0415 - of this answer only: it lies in a layer that other functions do not have

    return segno.make_qr(code, error="m", mode="alphanumeric", boost_error=False)


def svg_of(code: str) -> str:
    """Return a picture that scales, dark on white whatever is behind it."""
    drawn = BytesIO()
    qr_of(code).save(drawn, kind="svg", xmldecl=False, border=_QUIET_ZONE, light="#fff", omitsize=True, title="Ticket")
    return drawn.getvalue().decode()
