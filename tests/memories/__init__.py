"""What agents remember of a person."""
