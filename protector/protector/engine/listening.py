# SPDX-License-Identifier: Apache-2.0
"""Wait until VMs answer on a port: they are ACTIVE long before what runs in them is."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

# Seconds: between two tries, as between two looks at whether to go on; and of one try that
# nothing answers.
PAUSE = 1.0
PATIENCE = 3.0


class Listener(NamedTuple):
    """What is to answer on its port at one of its addresses.

    ``path``: None for TCP; else it is to be answered by HTTP, with a status below 400.
    """

    addresses: Sequence[str]
    port: int
    path: str | None = None


def silent(
    listeners: Mapping[str, Listener],
    seconds: float,
    given_up: Callable[[], object] = lambda: False,
) -> set[str]:
    """Try them all side by side for so long; return the names of those that never answered.

    :param given_up: asked now and then whether to stop waiting.
    """
    return asyncio.run(_silent(listeners, seconds, given_up)) if listeners else set()


async def _silent(
    listeners: Mapping[str, Listener], seconds: float, given_up: Callable[[], object]
) -> set[str]:
    end = time.monotonic() + seconds
    waiting = {asyncio.create_task(_answered(one), name=name) for name, one in listeners.items()}
    while waiting and (left := end - time.monotonic()) > 0 and not given_up():
        _, waiting = await asyncio.wait(waiting, timeout=min(left, PAUSE))
    for one in waiting:
        one.cancel()
    return {one.get_name() for one in waiting}


async def _answered(listener: Listener) -> None:
    while True:
        for address in listener.addresses:
            if await _answers(address, listener):
                return
        await asyncio.sleep(PAUSE)


async def _answers(address: str, listener: Listener) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(address, listener.port)
            try:
                return listener.path is None or await _is_well(
                    address, listener.path, reader, writer
                )
            finally:
                writer.close()
    except (OSError, ValueError):  # a timeout is one, too; and what answers too long a line
        return False


async def _is_well(
    address: str, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    host = f"[{address}]" if ":" in address else address
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    status = (await reader.readline()).split()[1:2]
    return bool(status) and status[0].isdigit() and int(status[0]) < 400
