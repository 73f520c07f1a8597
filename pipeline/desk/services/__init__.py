"""What people and programs do with the queue, one module a subject."""
