"""What can go wrong with a server, in sentences: for whoever manages it, for whoever reads the answer, and for the model."""

from collections.abc import Iterator

import httpx2

from agentos.core.security.guarded_http import Forbidden
from agentos.core.text import clean, shorten

AWAY, REFUSED = "away", "refused"  # states of a server (models.Server.State)
LIMIT = 280  # characters of a sentence
UNCERTAIN = "It may have happened all the same: look before you try it again."

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY, BROKEN = 401, 403, 404, 429, 500  # of HTTP


# What an error means, and whether the call may have been made by then. The first that fits.
MEANINGS: tuple[tuple[tuple[type[BaseException], ...], str, bool], ...] = (
    ((httpx2.ConnectError, httpx2.ConnectTimeout), "{name} cannot be reached now.", False),
    ((httpx2.TransportError,), "The connection to {name} broke.", True),
    ((FileNotFoundError, PermissionError, NotADirectoryError), "{name} could not be started: its command was not found.", False),
    ((OSError,), "{name} could not be started.", False),
)


class ConnectionProblem(Exception):
    """The text is a sentence. ``state``: of the server, where it says something of that. ``sent``: whether the server may have got the
    call, so that it may have happened. ``told``: whether the server itself said it, as the result of the tool."""

    def __init__(self, sentence: str, *, state: str = "", sent: bool = False, told: bool = False) -> None:
        super().__init__(sentence)
        self.state, self.sent, self.told = state, sent, told

    @property
    def sentence(self) -> str:
        """What is told where it happened."""
        return f"{self} {UNCERTAIN}" if self.sent else str(self)


class Rejected(ConnectionProblem):
    """The server does not take what we came with."""


class NoKey(ConnectionProblem):
    """The member has given no key of their own yet, has not signed in, or has to do it again. ``slug``: of the server, for the way to
    the page where they can."""

    def __init__(self, sentence: str, slug: str) -> None:
        super().__init__(sentence)
        self.slug = slug


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and all that it came from, out of the groups in which tasks put them."""
    open_, seen = [error], set[int]()
    while open_:
        found = open_.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        open_ += [found.__context__, found.__cause__]
        if isinstance(found, BaseExceptionGroup):
            open_ += reversed(found.exceptions)


def of_error(error: BaseException | None, name: str, *, limit: int) -> ConnectionProblem | None:
    """Return what an error of the network means; None for one that is none. ``limit``: bytes that an answer may have."""
    found = list(causes(error))
    for cause in found:
        if isinstance(cause, Forbidden):
            return ConnectionProblem(f"{name} cannot be asked: {cause}", state=AWAY)
        if isinstance(cause, httpx2.ReadError) and "larger" in str(cause):
            return ConnectionProblem(f"{name} answered with more than {limit // 1_000_000} MB, which is not read.", sent=True)
    rules = ((what, sent) for cause in found for kinds, what, sent in MEANINGS if isinstance(cause, kinds))
    what, sent = next(rules, ("", False))
    return ConnectionProblem(what.format(name=name), state=AWAY, sent=sent) if what else None


def of_status(status: int, name: str, *, has_key: bool) -> ConnectionProblem | None:
    """Return what a status of HTTP means that is no answer of the protocol. ``has_key``: whether we came with one."""
    if status == UNAUTHORIZED:
        said = "did not accept the key" if has_key else "wants a key, and none is given"
        return Rejected(f"{name} {said} (401).", state=REFUSED)
    if status == FORBIDDEN:
        said = "does not let this key in" if has_key else "does not let us in"
        return ConnectionProblem(f"{name} {said} (403).", state=REFUSED)
    if status == NOT_FOUND:
        return ConnectionProblem(f"There is no MCP server at the address of {name} (404).", state=AWAY)
    if status == TOO_MANY:
        return ConnectionProblem(f"{name} has too much to do now (429). Wait a moment.")
    if status >= BROKEN:
        return ConnectionProblem(f"{name} is broken now ({status}).", state=AWAY)
    return None


def of_redirect(location: str, name: str) -> ConnectionProblem:
    where = shorten(clean(location), 120)
    return ConnectionProblem(f"{name} sends on to another place, which is not followed: {where}.", state=AWAY)


def of_server(message: str, name: str) -> ConnectionProblem:
    """Return what the server itself answered, as an error of the protocol."""
    return ConnectionProblem(shorten(f"{name} refused: {clean(message)}", LIMIT), told=True)
