"""Read models of rows in Postgres."""
