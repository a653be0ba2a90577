"""Connections to MCP servers, against real ones that run on loopback."""
