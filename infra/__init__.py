"""What runs on AWS around the code, and the commands that bring it there. Never shipped to Lambda."""
