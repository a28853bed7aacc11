"""The parts of the game in which an attacker wants to stop the sale."""
