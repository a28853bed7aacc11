"""Certifies how many tickets of a concert are sold, and proves to a buyer that theirs is among them (ADR 87)."""
