"""Seals personal data with a key of the person, so that erasing the key erases the person everywhere."""
