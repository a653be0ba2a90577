"""Static files: found, compressed, never in the way of the next request on the connection."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from site_config.static import static_application

CSS = b"body { color: black }" * 100


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    (tmp_path / "house.0123456789ab.css").write_bytes(CSS)
    (tmp_path / "house.0123456789ab.css.gz").write_bytes(gzip.compress(CSS))
    settings.STATIC_ROOT = tmp_path
    return tmp_path


async def ask(path: str, method: str = "GET", headers: dict[bytes, bytes] | None = None) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(dict(message))
        await sync_to_async(int)()  # what a connection does next happens in the context of what it sent

    scope = {"type": "http", "method": method, "path": path, "headers": list((headers or {}).items())}
    await static_application()(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


class TestStaticFiles:
    async def test_are_kept_for_ever_under_a_hashed_name(self, folder: Path) -> None:
        status, headers, body = await ask("/static/house.0123456789ab.css")
        assert (status, body) == (200, CSS)
        assert b"immutable" in headers[b"cache-control"]

    async def test_are_sent_compressed(self, folder: Path) -> None:
        _, headers, body = await ask("/static/house.0123456789ab.css", headers={b"accept-encoding": b"gzip"})
        assert headers[b"content-encoding"] == b"gzip"
        assert gzip.decompress(body) == CSS

    async def test_have_no_body_for_head(self, folder: Path) -> None:
        assert (await ask("/static/house.0123456789ab.css", "HEAD"))[::2] == (200, b"")

    @pytest.mark.parametrize("path", ["/static/nope.css", "/static/", "/static/../settings.py"])
    async def test_are_404_when_they_are_not_there(self, folder: Path, path: str) -> None:
        assert (await ask(path))[0] == 404

    async def test_are_read_only(self, folder: Path) -> None:
        assert (await ask("/static/house.0123456789ab.css", "POST"))[0] == 405
