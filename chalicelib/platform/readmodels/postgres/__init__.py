"""Read models in Postgres, as rows of tables."""
