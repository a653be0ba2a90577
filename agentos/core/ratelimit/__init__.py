"""Limits of how often somebody may do something, and where they are counted."""
