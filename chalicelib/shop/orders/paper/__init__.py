"""Tickets on paper: what a page says, the template that lays it out, and who prints it."""
