"""Draws the code of a ticket as a QR code."""

from io import BytesIO

import segno

_QUIET_ZONE = 4


def qr_of(code: str) -> segno.QRCode:
    """Return the QR code: version 8 at level M, so that a bent or dirty ticket is read as well."""
    return segno.make_qr(code, error="m", mode="alphanumeric", boost_error=False)


def svg_of(code: str) -> str:
    """Return a picture that scales, dark on white whatever is behind it."""
    drawn = BytesIO()
    qr_of(code).save(drawn, kind="svg", xmldecl=False, border=_QUIET_ZONE, light="#fff", omitsize=True, title="Ticket")
    return drawn.getvalue().decode()
