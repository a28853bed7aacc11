"""Builds typed clients of the API, for Python and for TypeScript, from its document."""
