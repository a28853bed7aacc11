"""Access: which roles a person has been granted here, beside those in the token."""
