"""Read models: kept current from the bus, rebuilt from the log, and compared with it."""
