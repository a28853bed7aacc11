"""The event bus on Kinesis: `bus` publishes and replays, `trigger` declares the functions that follow it."""
