"""Events from other systems: verified, stored, and done with the rights of the endpoint's service identity."""
