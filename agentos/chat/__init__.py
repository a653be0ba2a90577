"""Sessions, runs, run events, the runner and the live stream. Depends on agents and access, on no page."""
