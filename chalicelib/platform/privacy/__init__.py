"""Personal data: sealed with a key of the person it is about, so that erasing the key erases the person everywhere."""
