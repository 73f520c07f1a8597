"""A letter comes in, personal data stays out."""
