"""Tickets in wallets: a signed pass for Apple Wallet, and a signed link for Google Wallet."""
