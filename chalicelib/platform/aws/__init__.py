"""Code that all adapters of AWS services share."""
