"""The event bus: from the log to everybody who follows it, never lost, never twice, never out of order."""
