"""Agno's own server, mounted: its clients find our agents, sessions and runs, behind a guard of ours."""
