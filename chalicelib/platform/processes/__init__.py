"""Process managers: they have done what must follow from events, even if somebody crashes in between."""
