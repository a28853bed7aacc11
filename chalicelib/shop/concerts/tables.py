"""The tables of the programme, as the migrations make them."""

from chalicelib.platform.readmodels.postgres.tables import Schema

PROGRAMME = Schema("programme", {"venues": "id", "concerts": "id", "ticket_types": "concert_id"})
