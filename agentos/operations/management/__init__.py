"""Commands of Django that this room brings."""
