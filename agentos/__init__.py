"""The rooms of the house. A room imports only rooms on a lower line: see CONTRIBUTING, "The map"."""
