"""Tasks that talk: a server of lines and its clients, over sockets of one loop."""

from __future__ import annotations

import asyncio

from benchmarks.programs.measuring import main

CLIENTS = 20
SIZES = {"tiny": 1, "small": 5, "full": 250}
"""Lines of each client."""


class Server:
    """Answers each line with how many there were."""

    def __init__(self) -> None:
        self.lines = 0
        self.by_client: dict[str, int] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        while line := await reader.readline():
            name = line.decode().strip()
            self.lines += 1
            self.by_client[name] = self.by_client.get(name, 0) + 1
            writer.write(b"%d\n" % self.by_client[name])
            await writer.drain()
        writer.close()


async def ask(port: int, name: str, count: int) -> int:
    """Send lines, one after the other; the last answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = 0
    for _ in range(count):
        writer.write(f"{name}\n".encode())
        answer = int(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answer


async def run(count: int) -> None:
    """Run the server and its clients."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    answers = await asyncio.gather(*(ask(port, f"client {number}", count) for number in range(CLIENTS)))
    listening.close()
    await listening.wait_closed()
    assert answers == [count] * CLIENTS
    assert server.lines == CLIENTS * count


def work(count: int) -> None:
    """Run a loop."""
    asyncio.run(run(count))


if __name__ == "__main__":
    main(work, SIZES, __doc__)
