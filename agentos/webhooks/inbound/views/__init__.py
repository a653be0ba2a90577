"""The addresses that other systems post to, and the operators' pages about what came."""
