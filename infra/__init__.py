"""Describes what runs on AWS around the code, and deploys and destroys it. Never shipped to Lambda."""
