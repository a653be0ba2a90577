"""The pages of knowledge: bases, what is in them, and the passage that a source leads to."""
