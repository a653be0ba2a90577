"""MCP servers whose tools agents may use: which there are and whose, with which key, which tools are accepted, and how one is called."""
