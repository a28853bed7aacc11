"""Evidence of what the log once held: signed heads of its streams, kept where nobody can change them."""
