"""What the shop costs and how fast it is, with the machine and the store stated. Never shipped to Lambda."""
