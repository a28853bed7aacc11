"""The local stack: what AWS, Postgres and Redis do for the shop in production. Never shipped to Lambda."""
