"""Tools for every room: HTTP, HTMX, event streams, markdown, ids, the clock, pubsub. Depends on no app."""
