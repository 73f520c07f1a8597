"""What letters say together: places, letters of the same matter, what is starting."""
