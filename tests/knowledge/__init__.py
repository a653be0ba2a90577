"""Knowledge: bases, documents, and what is found in them."""
