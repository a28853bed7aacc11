"""What runs on AWS around the code: merged into the Chalice package. Never shipped to Lambda."""
