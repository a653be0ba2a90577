"""Events from other systems: validated and stored."""
