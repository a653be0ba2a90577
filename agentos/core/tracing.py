"""Spans of OpenTelemetry, where the room ``operations`` has switched them on. Without it a span is nothing, and costs nothing."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Value = str | int | float | bool


class Span(Protocol):
    """What was opened. ``failed``: of what, in a word of a closed list. In names two underscores stand for a point."""

    def name(self, name: str) -> None: ...
    def note(self, **about: Value) -> None: ...
    def failed(self, what: str) -> None: ...


class _Nothing:
    def name(self, name: str) -> None:
        pass

    def note(self, **about: Value) -> None:
        pass

    def failed(self, what: str) -> None:
        pass


Open = Callable[[str, Mapping[str, Value], Mapping[str, str] | None], AbstractContextManager[Span]]


class _Current:
    open: Open | None = None


_NOTHING: Span = _Nothing()


def use(open_span: Open | None) -> None:
    """Open spans with this from now on; None: with nothing."""
    _Current.open = staticmethod(open_span) if open_span else None


def is_on() -> bool:
    return _Current.open is not None


def span(name: str, about: Mapping[str, Value], carrier: Mapping[str, str] | None = None) -> AbstractContextManager[Span]:
    """Open a span below the current one; with a ``carrier``, below the one that its headers name.

    What is put into it leaves the server: ids and figures, never what anybody has said.
    """
    return _Current.open(name, about, carrier) if _Current.open else nullcontext(_NOTHING)
