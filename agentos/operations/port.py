"""The port for figures and probes alone, which a firewall can keep from everybody else: ``AGENTOS_METRICS_PORT``."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from agentos.conf import app_settings
from agentos.core.serving.protocol import Connection
from agentos.core.starting.refusal import CannotStart


class Port:
    """``start`` and ``stop`` belong to the server's lifespan. Without the setting there is none."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises CannotStart when somebody else has the port."""
        if not app_settings.METRICS_PORT:
            return
        config = uvicorn.Config(
            self.app,
            http=Connection,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        config.load()
        state = ServerState()
        host, port = app_settings.METRICS_HOST, app_settings.METRICS_PORT
        try:
            self.server = await asyncio.get_running_loop().create_server(
                lambda: Connection(config=config, server_state=state, app_state={}), host, port
            )
        except OSError as error:
            msg = f"Cannot listen on {host}:{port} for /metrics ({error.strerror or error}). Set AGENTOS_METRICS_PORT to another port."
            raise CannotStart(msg) from None

    async def stop(self) -> None:
        if self.server:
            self.server.close()
