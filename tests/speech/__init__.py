"""The room of speech."""
