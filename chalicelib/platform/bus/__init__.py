"""The event bus: it brings every event of the log to all projections, each stream in order, and none is lost."""
