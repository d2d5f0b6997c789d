# SPDX-License-Identifier: Apache-2.0
"""One edit of a group against the two requests that it makes to the peer, and edits per second.

An edit is what a user waits for: protector-api, its engine, prepare at the peer, commit here,
commit at the peer. The bare requests are these two alone, by the same HTTP client with its token
and its connection. Both are of groups of two VMs, and take turns.
"""

import concurrent.futures
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import requests
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from protector.domain.document import Document
from protector.sync import edit
from protector.sync.http import HttpPeer, Timeouts, timed
from protector_bench import scene
from protector_bench.timing import median_of
from testbed.layout import PASSWORD, PLACES
from testbed.testbed import Testbed

GROUPS = 100
# Pairs of an edit and its bare requests in a run.
PAIRS = 50
# Edits at once, each of another group.
AT_ONCE = (1, 4, 8)
# Seconds.
PATIENCE = 60.0

HEADER = ("what", "seconds", "per second", "to bare")


def measure(testbed: Testbed, runs: int) -> dict[str, Any]:
    copies = scene.copy(scene.protect(testbed), range(GROUPS))
    scene.put_in_force(copies)
    edited, bare = copies[::2], copies[1::2]
    describe = _describer(testbed)
    ask_bare = _bare()
    describe(edited[0])
    ask_bare(bare[0])
    alone = [_pairs(describe, ask_bare, edited, bare) for _ in range(runs)]
    figures = median_of(alone)
    return {
        "groups": GROUPS,
        "members": len(copies[0].members),
        "pairs_per_run": PAIRS,
        **figures,
        "at_once": {
            str(number): median_of([_together(describe, edited, number) for _ in range(runs)])
            for number in AT_ONCE
        },
    }


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    bare, whole = figures["bare_seconds"], figures["edit_seconds"]
    yield "two bare requests", f"{bare:.4f}", f"{1 / bare:.1f}", "1.00"
    yield "one edit", f"{whole:.4f}", f"{1 / whole:.1f}", f"{figures['edit_to_bare']:.2f}"
    for number, run in figures["at_once"].items():
        yield f"edits, {number} at once", "", f"{run['edits_per_second']:.1f}", ""


# -- inside ---------------------------------------------------------------------------------------


def _pairs(
    describe: Callable[[Document], float],
    ask_bare: Callable[[Document], float],
    edited: Sequence[Document],
    bare: Sequence[Document],
) -> dict[str, float]:
    """Take turns; return the medians."""
    edits, requests = [], []
    for one, other in itertools.islice(zip(itertools.cycle(edited), itertools.cycle(bare)), PAIRS):
        edits.append(describe(one))
        requests.append(ask_bare(other))
    whole, two = statistics.median(edits), statistics.median(requests)
    return {
        "edit_seconds": round(whole, 5),
        "bare_seconds": round(two, 5),
        "edit_to_bare": round(whole / two, 3),
    }


def _together(
    describe: Callable[[Document], float], edited: Sequence[Document], number: int
) -> dict[str, float]:
    """Edit each of the groups once, so many at a time."""
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        list(pool.map(describe, edited))
    seconds = time.perf_counter() - began
    return {"edits_per_second": round(len(edited) / seconds, 2), "seconds": round(seconds, 3)}


def _describer(testbed: Testbed) -> Callable[[Document], float]:
    """Return what gives a group another description, as a user would, and tells the seconds."""
    cloud = testbed.cloud(scene.HERE)
    base = f"{PLACES[scene.HERE].url('protector')}/v1/{cloud.current_project_id}"
    headers = {"X-Auth-Token": cloud.auth_token}
    session, number = _pooled(), itertools.count()

    def describe(document: Document) -> float:
        url = f"{base}/protection-groups/{document.group_id}"
        body = {"protection_group": {"description": f"edit {next(number)}"}}
        began = time.perf_counter()
        answer = session.patch(url, json=body, headers=headers, timeout=PATIENCE)
        seconds = time.perf_counter() - began
        answer.raise_for_status()
        return seconds

    return describe


def _bare() -> Callable[[Document], float]:
    """Return what makes an edit's requests to the peer, and tells their seconds.

    What an engine would do in its database meanwhile is done here, too, but not counted.
    """
    place, sessions = PLACES[scene.THERE], scene.database(scene.HERE)
    auth = v3.Password(
        auth_url=f"{place.url('keystone')}/v3",
        username="protector",
        password=PASSWORD,
        project_name="service",
        user_domain_name="Default",
        project_domain_name="Default",
    )
    limits = (PATIENCE, PATIENCE)
    http = Session(auth, session=timed(Timeouts(limits, limits)))
    peer = HttpPeer(place.name, http, here=scene.HERE, region_name=place.name)
    latest: dict[str, Document] = {}

    def ask(document: Document) -> float:
        before = latest.get(document.group_id, document)
        after = before.following(scene.HERE, description=f"version {before.version + 1}")
        base, version = edit.travelling(before).checksum, edit.travelling(after)
        # First, so that the engine does not take what is prepared for something given up.
        with sessions.begin() as transaction:
            edit.put_in_force(transaction, after)
        began = time.perf_counter()
        peer.prepare(version, base)
        peer.commit(version.group_id, version.checksum)
        seconds = time.perf_counter() - began
        edit.acknowledged(sessions, version.group_id, version.checksum)
        latest[document.group_id] = after
        return seconds

    return ask


def _pooled() -> requests.Session:
    """Return a session with a connection for each of those that edit at once."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=max(AT_ONCE)))
    return session
