"""What one letter says: issue, signals, level, risk."""
