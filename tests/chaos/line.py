"""The line between the people and their server. It can be cut and held, as lines of the world are."""

import asyncio
import contextlib


class Line:
    def __init__(self, port: int, server_port: int) -> None:
        self.port, self.server_port = port, server_port
        self.open: set[asyncio.StreamWriter] = set()
        self.flows = asyncio.Event()
        self.flows.set()

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    def cut(self) -> None:
        """Break every connection, in the middle of whatever it carries, with a reset on both sides."""
        for writer in list(self.open):
            writer.transport.abort()

    async def hold(self, seconds: float) -> None:
        """Carry nothing for a while: nobody hears of it."""
        self.flows.clear()
        await asyncio.sleep(seconds)
        self.flows.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, server_writer}
        self.open |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, server_writer))
                group.create_task(self._carry(server_reader, writer))
        except* OSError:
            pass
        finally:
            self.open -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            await self.flows.wait()
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
