"""Sentences for whoever has a page open now. Nobody hears them later: what must not be missed belongs into a page."""

from django.db import transaction

from agentos.core.bell import bell


def tell(user_pk: int, sentence: str) -> None:
    """Say it in all open tabs of this user, once the transaction at hand is committed."""
    transaction.on_commit(lambda: bell.ring(f"notice:{user_pk}#{sentence}"))
