"""Webhooks in both directions. ``inbound``: events from other systems. ``outbound``: what teams are sent about their agents' chats."""
