"""The archive: every event of the bus once more, as Parquet in S3, by the day on which it was created."""
