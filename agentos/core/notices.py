"""Sentences for whoever has a page open now. Nobody hears them later: what must not be missed belongs into a page."""

from agentos.core.pubsub import pubsub


def send(user_pk: int, sentence: str) -> None:
    """Say it in all open tabs of this user, once the transaction at hand is committed."""
    pubsub.publish_on_commit(f"notice:{user_pk}#{sentence}")
