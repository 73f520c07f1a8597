"""The desk at scale: programs, not tests (`make desk-scale`)."""
