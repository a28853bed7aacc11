"""Plans an on-sale: whether it can be sold, how long it takes, what it costs, and which quotas to raise."""
