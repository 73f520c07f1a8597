"""Pages. A view guards (door.py), reads its form, calls a service, and answers; what is decided stands in services."""
