"""Plays an on-sale that somebody wants to stop, on the shop's own commands, with DynamoDB's latencies and no faults.

Accounts of an attacker send whatever a customer may send, each in several windows and without a pause, while buyers
just buy. Time is virtual and moves only by what the servers take, so a seed gives the same game on every machine.
"""
