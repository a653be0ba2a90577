"""Files that people give and that agents make: their bytes, how they come in, and how they are given back."""
