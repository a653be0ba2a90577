"""Waking whoever indexes in this process, from any thread."""

from collections.abc import Callable


class _Current:
    wake: Callable[[], None] | None = None


def use(wake: Callable[[], None] | None) -> None:
    _Current.wake = wake


def wake() -> None:
    if _Current.wake:
        _Current.wake()
