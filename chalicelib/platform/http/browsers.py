"""Allows pages of any origin to call the API from a browser."""

from chalice.app import CORSConfig

ALLOWED_ORIGIN = "*"
"""Who is calling is said by a token, which no browser adds by itself: another origin gains nothing by being allowed."""

EXPOSED = (
    "Content-Disposition",
    "Door-List-Signature",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Read-Model-Lag",
    "Retry-After",
    "WWW-Authenticate",
)

ANY_PAGE = CORSConfig(
    allow_origin=ALLOWED_ORIGIN,
    allow_headers=["Idempotency-Key", "If-Match", "If-None-Match", "Min-Version", "X-Correlation-Id"],
    expose_headers=EXPOSED,
    max_age=7200,
)
"""A preflight is good for two hours, the longest that browsers agree on."""
