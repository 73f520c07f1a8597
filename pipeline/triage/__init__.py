"""What comes first, and by when."""
