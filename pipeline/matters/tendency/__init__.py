"""How tendencies are counted, what one is, and how it explains itself."""
