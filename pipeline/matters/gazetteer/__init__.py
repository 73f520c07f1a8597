"""Where the names of places come from, and what one place is."""
