"""An MCP server of the tests that wants people to sign in: ``python -m tests.connections.guarded PORT FOLDER``. FastMCP's own OAuth server
registers whoever comes, and says yes to all.

``FOLDER/seconds``: for which a token is good. ``FOLDER/deny``: nothing is renewed. ``FOLDER/reject``: no token is taken. What is
registered, renewed and revoked is a line each in ``FOLDER/events``.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from fastmcp.server.dependencies import get_access_token
from mcp.server.auth.provider import TokenError
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.types import ToolAnnotations

FOLDER = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()


class Provider(InMemoryOAuthProvider):
    async def register_client(self, client_info: Any) -> None:
        note("registered")
        await super().register_client(client_info)

    async def exchange_authorization_code(self, client: Any, authorization_code: Any) -> Any:
        return self.shortened(await super().exchange_authorization_code(client, authorization_code))

    async def exchange_refresh_token(self, client: Any, refresh_token: Any, scopes: list[str]) -> Any:
        note("renewed")
        await asyncio.sleep(0.2)
        if (FOLDER / "deny").exists():
            raise TokenError("invalid_grant", "Gone.")
        return self.shortened(await super().exchange_refresh_token(client, refresh_token, scopes))

    async def load_access_token(self, token: str) -> Any:
        return None if (FOLDER / "reject").exists() else await super().load_access_token(token)

    async def revoke_token(self, token: Any) -> None:
        note("revoked")
        await super().revoke_token(token)

    def shortened(self, token: Any) -> Any:
        if (FOLDER / "seconds").exists():
            token.expires_in = int((FOLDER / "seconds").read_text())
            self.access_tokens[token.access_token].expires_at = int(time.time()) + token.expires_in
        return token


def note(what: str) -> None:
    with (FOLDER / "events").open("a") as events:
        events.write(f"{what}\n")


def served(port: int) -> FastMCP:
    here = f"http://127.0.0.1:{port}"
    registering = ClientRegistrationOptions(enabled=True, valid_scopes=["notes"], default_scopes=["notes"])
    auth = Provider(
        base_url=here,
        client_registration_options=registering,
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=["notes"],
    )
    mcp = FastMCP("guarded", auth=auth)

    @mcp.tool(annotations=ToolAnnotations(read_only_hint=True))
    def whoami() -> str:
        """Say who calls."""
        token = get_access_token()
        return f"client {token.client_id}, may {' '.join(token.scopes)}" if token else "nobody"

    return mcp


if __name__ == "__main__":
    uvicorn.run(served(int(sys.argv[1])).http_app(path="/mcp"), port=int(sys.argv[1]), log_level="warning")
