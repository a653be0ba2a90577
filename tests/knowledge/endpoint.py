"""A server on loopback that embeds as OpenAI's does: a vector says which of a few things a text is about, whatever words it uses."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

THINGS = (("trombone", "instrument", "music"), ("bicycle", "cycle", "bike"), ("glass", "bottle", "waste"))


class Server:
    """``says``: what is answered for these texts, in place of vectors; ``slow``: seconds before it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str], str]] = []  # model, texts, key
        self.says: Any = None
        self.status = 200
        self.slow = 0.0
        self.url = ""


def vector(text: str) -> list[float]:
    return [sum(word in text.lower() for word in words) + 0.01 for words in THINGS] + [0.5]


@contextmanager
def served() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.asked.append((payload["model"], payload["input"], self.headers.get("authorization", "")))
            time.sleep(server.slow)
            rows = [{"index": place, "embedding": vector(text)} for place, text in enumerate(payload["input"])]
            said = json.dumps(server.says if server.says is not None else {"data": rows[::-1]}).encode()
            self.send_response(server.status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # whoever asked has gone
                self.wfile.write(said)

        def log_message(self, *_args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
