"""Process managers: what must still happen because of what happened, whoever crashed in between."""
