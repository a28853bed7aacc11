"""Finds names as people type them: one spelling of each letter, and the words that lie one typo apart (ADR 53)."""
