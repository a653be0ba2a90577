"""One connection of HTTP/1.1: uvicorn's, with an end to what a client may send and how long it may take.

httptools, which parses, knows no limits: it gathers a header of 185 MB, and waits for the rest of a request for ever. So what
comes is counted here before and while it is parsed, and whatever is ambiguous to a proxy before us is refused.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httptools
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from agentos.conf import app_settings
from agentos.core import repeated
from agentos.core.http import request_log
from agentos.core.http.errors import Problem
from agentos.core.serving import limits
from agentos.core.serving.refusals import refusal

PIECE = 16 * 1024  # bytes that are parsed before they are counted again

BETWEEN, HEAD, BODY = range(3)  # what comes next on a connection
LEAVE_SECONDS = 1.0  # that a request which is under way gets to come in, when the server is told to stop


class Refused(Exception):
    """Raised out of a callback of the parser, which ends the parsing."""

    def __init__(self, status: int, sentence: str = "") -> None:
        super().__init__(status, sentence)
        self.problem = Problem(status, sentence)


class Connection(HttpToolsProtocol):
    crowd = limits.Crowd()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.part = BETWEEN
        self.has_asked = False
        self.size = 0  # bytes that came of this part, as they came
        self.head_size = self.body_size = 0  # bytes of the headers and the body that the parser gave us
        self.held = 0  # bytes of bodies that count as ours
        self.began = self.head_began = time.monotonic()
        self.body_began = 0.0
        self.is_deaf = False  # nothing more is read than to throw it away
        self.is_leaving = False  # the server stops: the request that comes is the last one
        self.leaving: asyncio.TimerHandle | None = None
        self.open: list[RequestResponseCycle] = []  # requests that are not answered, the first one first
        self.timer: asyncio.TimerHandle | None = None
        self.looks_at = 0.0
        self.stuck: asyncio.TimerHandle | None = None
        self.network = limits.network_of_peer(self.client)
        self.surplus = self.crowd.problem(self.network)
        if self.surplus is None:
            self.crowd.enter(self.network)
        else:
            self.crowd.surplus += 1
            if self.crowd.surplus > self.crowd.most_surplus:
                transport.abort()
        self.due: float | None = self._in(app_settings.HEADER_SECONDS if self.surplus is None else limits.SURPLUS_SECONDS)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for cycle in self.open:  # uvicorn tells the last one only
            cycle.disconnected = True
            cycle.message_event.set()
        self.due = None
        for timer in (self.timer, self.stuck, self.leaving):
            if timer:
                timer.cancel()
        self._hold(0)
        if self.surplus is None:
            self.crowd.leave(self.network)
        else:
            self.crowd.surplus -= 1

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        for piece in _pieces(data):
            if self.is_deaf or self.transport.is_closing():
                return
            self._parse(piece)
        if self.is_deaf:
            return
        if self.part == BODY:
            self.due = min(
                self._in(app_settings.BODY_SECONDS), self.body_began + app_settings.BODY_SECONDS + self.body_size / limits.BODY_RATE
            )
        elif self.part == HEAD or not self.open:
            self.due = self.due or self._in(app_settings.HEADER_SECONDS)
        else:
            self.due = None
        self._watch()

    def _parse(self, piece: bytes | memoryview) -> None:
        before = self.part
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # answered as HTTP/1.1, and what comes after it is not
            self.is_deaf = True
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, Refused) else Problem(400))
        else:
            self.size = self.size + len(piece) if self.part in {before, HEAD} else 0
            if self.part == HEAD and self.size > limits.HEADER_BYTES + PIECE:
                self._refuse(Problem(431))
            elif self.part == BODY and self.size - self.body_size > limits.WRAPPING_BYTES + self.body_size:
                self._refuse(Problem(400, "The chunks of the request's body are too small."))

    # What the parser tells

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if len(self.open) > limits.WAITING:
            raise Refused(429)
        self.part, self.has_asked = HEAD, True
        self.size = self.head_size = 0
        self.head_began = time.monotonic()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self.head_size += len(url)
        if len(self.url) > limits.ADDRESS_BYTES:
            raise Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.part != HEAD:  # a trailer, which nothing may take for a header
            return
        super().on_header(name, value)
        self.head_size += len(name) + len(value) + 4
        if self.head_size > limits.HEADER_BYTES or len(self.headers) > limits.HEADERS:
            raise Refused(431)

    def on_headers_complete(self) -> None:
        if self.surplus:
            raise Refused(self.surplus.status, self.surplus.sentence)
        check_head(self.parser.get_http_version(), self.headers, is_upgrade=self.parser.should_upgrade())
        super().on_headers_complete()
        if self.is_leaving:
            self.cycle.keep_alive = False
        self.open.append(self.cycle)
        self.part = BODY
        self.body_size = 0
        self.body_began = time.monotonic()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self.body_size += len(body)
        if self.body_size > limits.BODY_BYTES:
            raise Refused(413)
        self._hold(min(self.body_size, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        if self.crowd.held > limits.BODIES_BYTES:
            repeated.warn("bodies", "A request is refused: the bodies of others that are being sent take all the memory that is for them.")
            raise Refused(503)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.part = BETWEEN

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.open = [cycle for cycle in self.open if not cycle.response_complete]
        if not self.open:
            self._hold(0)
        if self.part == BODY and self.cycle.response_complete and not self.transport.is_closing():
            self._linger()  # answered before it was whole

    # Ends

    def shutdown(self) -> None:
        """A request that is on its way is let in: where the next server goes on with the same socket, no request is lost."""
        if self.is_deaf or not self._expects_more():
            super().shutdown()
            return
        self.is_leaving = True
        if self.part == BODY:
            self.cycle.keep_alive = False
        self.leaving = self.loop.call_later(LEAVE_SECONDS, self._leave)

    def _expects_more(self) -> bool:
        """Whether a request has begun to come, or the connection is so new that its first one has not."""
        if self.part == BODY:
            return not self.cycle.response_started
        return self.part == HEAD or not self.has_asked

    def _leave(self) -> None:
        if self.is_deaf or self.transport.is_closing():
            return
        if self.part == BODY and not self.cycle.response_started:
            self._refuse(Problem(503, "The server is being stopped. Try again in a moment.", headers={"Retry-After": "5"}))
        elif not self.open:
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():  # a client that does not take its answer is not waited for
            self.loop.call_later(limits.STUCK_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.stuck = self.loop.call_later(limits.STUCK_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.stuck:
            self.stuck.cancel()

    def _give_up(self) -> None:
        repeated.warn("stuck", "A connection is closed: its client took nothing of its answer for %d s.", limits.STUCK_SECONDS)
        self.transport.abort()

    def _watch(self) -> None:
        if self.due is None or (self.timer and self.looks_at <= self.due):
            return
        if self.timer:
            self.timer.cancel()
        self.looks_at = self.due
        self.timer = self.loop.call_later(max(0.0, self.due - time.monotonic()), self._look)

    def _look(self) -> None:
        """Act when what was due has not come. The timer is not set back at every request: mostly it finds that nothing is due."""
        self.timer = None
        if self.due is None:
            return
        if self.flow.read_paused:  # it is us who do not read
            self.due = max(self.due, self._in(app_settings.HEADER_SECONDS))
        if time.monotonic() < self.due:
            self._watch()
        elif self.is_deaf:
            self.transport.abort()
        elif self.part == BODY:
            self._refuse(Problem(408, "The body of the request did not come in time."))
        elif self.part == HEAD:
            self._refuse(Problem(408, f"The headers of the request did not come within {app_settings.HEADER_SECONDS} seconds."))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Answer what cannot be taken, after the requests before it, and close."""
        self.is_deaf, self.due = True, None
        self._hold(0)
        current = self.cycle if self.part == BODY else None
        earlier = [cycle for cycle in self.open if cycle is not current]
        if earlier:
            self.pipeline = type(self.pipeline)(waiting for waiting in self.pipeline if waiting[0] is not current)
            self.open = earlier
            earlier[-1].keep_alive = False
        elif current and current.response_started:
            self.transport.close()
        else:
            if current:
                current.disconnected = True
                current.message_event.set()
            self._answer(problem)
            self._linger()

    def _answer(self, problem: Problem) -> None:
        scope = self._scope()
        self.transport.write(refusal(problem, scope, self.server_state.default_headers))
        request_log.note(scope, problem.status, self.head_began)
        request_log.be_quiet(self.scope)  # whoever was reading the body has nothing to add

    def _scope(self) -> dict[str, Any]:
        """Return what is known of the request that is refused."""
        if self.part == BETWEEN:
            return {request_log.ID: request_log.new_id(), "client": self.client}
        scope: dict[str, Any] = dict(self.scope)
        scope.setdefault(request_log.ID, request_log.id_of(self.headers))
        if self.url:
            scope.setdefault("method", self.parser.get_method().decode("ascii"))
            scope.setdefault("path", self.url.partition(b"?")[0].decode("latin1"))
        return scope

    def _linger(self) -> None:
        """Let the client read its answer: it may be sending still, and closing at once would take the answer from it."""
        self.is_deaf = True
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.due = self._in(limits.LINGER_SECONDS)
        self._watch()

    def _hold(self, size: int) -> None:
        self.crowd.held += size - self.held
        self.held = size

    @staticmethod
    def _in(seconds: float) -> float:
        return time.monotonic() + seconds


def check_head(version: str, headers: list[tuple[bytes, bytes]], *, is_upgrade: bool) -> None:
    """Raise Refused for a request that a proxy before us could have understood otherwise (RFC 9112, sections 3.2, 6.1 and 6.3).

    What else may be said in two ways the parser refuses: two lengths, a length beside chunks, folded headers, bare line feeds.
    """
    if version not in {"1.0", "1.1"}:
        raise Refused(505)
    said = {b"host": 0, b"transfer-encoding": 0, b"content-length": 0}
    for name, value in headers:
        if name in said:
            said[name] += 1
            if name == b"transfer-encoding" and (version == "1.0" or value.strip().lower() != b"chunked"):
                raise Refused(400, "The body of a request may only be sent as it is or in chunks (Transfer-Encoding).")
            if name == b"content-length" and int(value) > limits.BODY_BYTES:
                raise Refused(413)
    if said[b"host"] > 1 or (version == "1.1" and not said[b"host"]):
        raise Refused(400, "A request names one host.")
    if is_upgrade and (said[b"transfer-encoding"] or said[b"content-length"]):
        raise Refused(400, "A request with a body cannot ask for another protocol.")


def _pieces(data: bytes) -> Iterator[bytes | memoryview]:
    if len(data) <= PIECE:
        yield data
        return
    view = memoryview(data)
    for start in range(0, len(data), PIECE):
        yield view[start : start + PIECE]
