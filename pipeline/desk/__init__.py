"""The triage desk: the store and the queue."""
