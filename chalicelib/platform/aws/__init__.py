"""What all adapters of AWS share."""
