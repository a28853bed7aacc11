"""Mails: what one is, how it becomes bytes, and the ports and folder through which it leaves."""
