"""The socket that the web process listens on."""

from __future__ import annotations

import asyncio
import socket

from app.server import claim_port


async def test_the_end_of_an_answer_does_not_wait_for_the_client_to_acknowledge_its_beginning() -> None:
    no_delay: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted: socket.socket = writer.get_extra_info("socket")
        no_delay.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(accept, sock=claim_port("127.0.0.1", 0, option="--port"))
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await no_delay
        writer.close()
        await writer.wait_closed()
