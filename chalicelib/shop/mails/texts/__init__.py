"""The texts of mails, one module for each language; all have the same names."""
