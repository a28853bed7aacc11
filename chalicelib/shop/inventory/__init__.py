"""The stock: who holds and who owns how many tickets of which type."""
