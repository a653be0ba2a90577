"""Requests and answers: errors in one shape, headers, JSON that strangers send, pages of a list, htmx, server-sent events."""
