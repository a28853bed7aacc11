"""Read models: fed from the bus, rebuilt from the log, and compared with it."""
