"""Payment providers: the port, and an adapter for each provider."""
