# SPDX-License-Identifier: Apache-2.0
"""Cuts the way from one site's Protector to the other site, in that direction alone.

All connections come from 127.0.0.1, so what a packet's sender is, is told by the group that its
process runs in (see :class:`testbed.layout.Place`). Packets are dropped as by a broken network:
nobody is told, and connections that were open fall silent too.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

from testbed.errors import BrokenTestbed
from testbed.layout import PLACES, PORTS, Place

# Debian has the command outside of an ordinary user's path.
NFT = shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
# What a Protector asks of the other site.
SERVICES = ("keystone", "protector")


def lacking() -> str | None:
    """Return why nothing can be cut here, or None."""
    if os.geteuid() != 0:
        return "only root can cut the network between the sites"
    if NFT is None:
        return "nft is not installed; install Debian's package nftables"
    return None


@contextlib.contextmanager
def partition(from_place: Place, to_place: Place) -> Iterator[None]:
    """Keep one site's Protector from reaching the other site for a while.

    :raises BrokenTestbed: nothing can be cut here.
    """
    if reason := lacking():
        raise BrokenTestbed(reason)
    ports = ", ".join(str(PORTS[name]) for name in SERVICES)
    _run(
        f"""{_removal(from_place)}
table inet {_table(from_place)} {{
    chain output {{
        type filter hook output priority 0;
        ip daddr {to_place.address} tcp dport {{ {ports} }} \
meta skgid {from_place.protector_group} drop
    }}
}}"""
    )
    try:
        yield
    finally:
        _run(_removal(from_place))


def remove_all() -> None:
    """Remove what a killed process left."""
    if not lacking():
        for place in PLACES.values():
            _run(_removal(place))


def _table(place: Place) -> str:
    return f"testbed_{place.name.replace('-', '_')}"


def _removal(place: Place) -> str:
    """Return what removes the table, whether it is there or not."""
    return f"add table inet {_table(place)}\ndelete table inet {_table(place)}"


def _run(rules: str) -> None:
    done = subprocess.run([str(NFT), "-f", "-"], input=rules, capture_output=True, text=True)
    if done.returncode:
        raise BrokenTestbed(f"nft ended with {done.returncode}: {done.stderr.strip()}")
