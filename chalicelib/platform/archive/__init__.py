"""Stores a second copy of every event, as Parquet in S3, by the day on which it was created."""
