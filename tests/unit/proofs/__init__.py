"""Certificates of tickets sold, and proofs of single tickets."""
