"""The texts of a timeline, a module for each language."""
