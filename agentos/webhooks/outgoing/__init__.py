"""Telling other systems what happens: endpoints of teams, deliveries that survive restarts, the courier that brings them."""
