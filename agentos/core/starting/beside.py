"""What watches over a process that answers no pages, such as a worker: a room above says what that is (``use``)."""

from collections.abc import Callable
from typing import Protocol


class Beside(Protocol):
    """``start`` may raise CannotStart."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Nothing:
    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


def _nothing(is_working: Callable[[], bool]) -> Beside:
    return Nothing()


class _Current:
    make: Callable[[Callable[[], bool]], Beside] = staticmethod(_nothing)


def use(make: Callable[[Callable[[], bool]], Beside]) -> None:
    _Current.make = staticmethod(make)


def new(is_working: Callable[[], bool]) -> Beside:
    """``is_working``: whether the process shows signs of life. Asked on its loop."""
    return _Current.make(is_working)
