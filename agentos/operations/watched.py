"""What a worker has beside its work: the port of figures and probes, and traces. A server has them in its own lifespan."""

import asyncio
from collections.abc import Callable

from agentos.operations import tracing
from agentos.operations.port import Port
from agentos.operations.probes import Probes
from agentos.operations.readiness import Readiness


class Watched:
    def __init__(self, is_working: Callable[[], bool]) -> None:
        self.readiness = Readiness(is_working)
        self.port = Port(Probes(self.readiness).on_own_port)

    async def start(self) -> None:
        """Once Agno is loaded. Raises CannotStart."""
        await self.port.start()
        await asyncio.to_thread(tracing.start)
        await asyncio.to_thread(tracing.instrument_agno)

    async def stop(self) -> None:
        await self.port.stop()
        await asyncio.to_thread(self.readiness.close)
        await asyncio.to_thread(tracing.stop)
