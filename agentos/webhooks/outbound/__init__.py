"""Sends events to other systems: the endpoints of teams, deliveries that survive restarts, the dispatcher that sends them."""
