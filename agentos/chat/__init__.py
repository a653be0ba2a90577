"""Sessions, runs, run events, the runner and the live stream. Knows agents and people, and no page."""
