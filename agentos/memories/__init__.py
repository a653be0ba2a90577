"""What agents remember of a person from one chat to the next: theirs alone, off until they turn it on."""
