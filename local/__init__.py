"""Stands in for what AWS, Postgres and Redis do for the shop in production. It is never shipped to Lambda."""
