"""Runs from the queue to their end: dispatch, claim, drive, journal, end, reap."""
