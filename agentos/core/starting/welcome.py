"""What whoever starts a server without a single account is told. Said by a room above: `use` it."""

from collections.abc import Callable

from agentos.core.starting.refusal import manage


def _by_hand(address: str) -> list[str]:
    return [f"There is no account yet. Make the first one, in another shell here: {manage('createsuperuser')}"]


class _Current:
    first_account: Callable[[str], list[str]] = staticmethod(_by_hand)


def use(first_account: Callable[[str], list[str]]) -> None:
    """Let this say how the first account is made, in a few lines. It is given the address where the server listens."""
    _Current.first_account = staticmethod(first_account)


def first_account(address: str) -> list[str]:
    return _Current.first_account(address)
