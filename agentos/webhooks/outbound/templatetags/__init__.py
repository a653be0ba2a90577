"""Template tags of outgoing webhooks."""
