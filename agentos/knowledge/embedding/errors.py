"""Why there is no vector."""


class NoEmbedding(Exception):
    """The text is for the log."""
