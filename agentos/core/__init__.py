"""Tools for every room: HTTP, HTMX, event streams, markdown, ids, the clock, the bell. Knows no model and no room."""
