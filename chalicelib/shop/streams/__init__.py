"""The log itself, for those who may look into it."""
