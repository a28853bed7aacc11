"""Describes the tables of the programme, which the migrations create.

The migrations follow the platform's, in one order of names. One that was applied never changes, so 0004 stays one file:
it makes the platform's table of generations, and moves the programme into its first.
"""

from pathlib import Path

from chalicelib.platform.readmodels.postgres.tables import Schema

PROGRAMME = Schema(
    "programme",
    {"venues": "id", "concerts": "id", "ticket_types": "concert_id", "areas": "concert_id"},
    Path(__file__).with_name("migrations"),
)
