# SPDX-License-Identifier: Apache-2.0
"""Lists and shows of 1,000 groups and 10,000 operations, beside those of Keystone and Placement.

All are served by waitress, asked by the same client on the same machine, and have as many things
to list. They take turns every few requests, so that what else the machine does hits all of them.
"""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import requests
from openstack.connection import Connection

from protector.schemas.common import LIMIT
from protector_bench import scene
from protector_bench.http import Get, burst
from protector_bench.timing import latency, median_of
from testbed.layout import PLACES
from testbed.testbed import Testbed

GROUPS = 1_000
OPERATIONS = 10_000
# Clients at once.
CLIENTS = (1, 4)
# Requests of each kind in a run, and how many of them before the next kind has its turn.
REQUESTS = 100
TURN = 20

HEADER = ("request", "clients", "things", "p50 ms", "p99 ms", "requests/s")


def measure(testbed: Testbed, runs: int) -> dict[str, Any]:
    original = scene.protect(testbed)
    copies = scene.copy(original, range(1, GROUPS))
    scene.put_in_force(copies)
    scene.record_operations(copies, OPERATIONS)
    admin = testbed.cloud(f"{scene.HERE}-admin")
    _fill(admin)
    gets = {**_protector(testbed, original.group_id), **_others(admin)}
    measured = {str(clients): interleaved(gets, clients, runs) for clients in CLIENTS}
    return {
        "groups": GROUPS,
        "operations": OPERATIONS,
        "page": LIMIT,
        "requests_per_run": REQUESTS,
        "clients": measured,
        "group_list_p99_to_placement": {
            clients: round(
                kinds["protector group list"]["p99_ms"]
                / kinds["placement provider list"]["p99_ms"],
                3,
            )
            for clients, kinds in measured.items()
        },
    }


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for clients, kinds in figures["clients"].items():
        for kind, figure in kinds.items():
            yield (
                kind,
                clients,
                str(figure["things"]),
                f"{figure['p50_ms']:.1f}",
                f"{figure['p99_ms']:.1f}",
                f"{figure['per_second']:.1f}",
            )


# -- what is asked --------------------------------------------------------------------------------


def _protector(testbed: Testbed, group_id: str) -> dict[str, Get]:
    cloud = testbed.cloud(scene.HERE)
    base = f"{PLACES[scene.HERE].url('protector')}/v1/{cloud.current_project_id}"
    headers = {"X-Auth-Token": str(cloud.auth_token)}
    return {
        "protector group list": Get(f"{base}/protection-groups", headers),
        "protector group show": Get(f"{base}/protection-groups/{group_id}", headers),
        "protector operation list": Get(f"{base}/operations", headers),
    }


def _others(admin: Connection) -> dict[str, Get]:
    """Return what is comparable: lists of as many things, and one of these things."""
    place = PLACES[scene.HERE]
    keystone, placement = f"{place.url('keystone')}/v3", place.url("placement")
    headers = {"X-Auth-Token": str(admin.auth_token), "OpenStack-API-Version": "placement latest"}
    provider = next(admin.placement.resource_providers()).id
    return {
        "placement provider list": Get(f"{placement}/resource_providers", headers),
        "placement provider show": Get(f"{placement}/resource_providers/{provider}", headers),
        "keystone project list": Get(f"{keystone}/projects", headers),
        "keystone project show": Get(f"{keystone}/projects/{admin.current_project_id}", headers),
        "keystone user list": Get(f"{keystone}/users", headers),
        "keystone user show": Get(f"{keystone}/users/{admin.current_user_id}", headers),
    }


def _fill(admin: Connection) -> None:
    """Let Keystone and Placement have as many things to list as there are groups."""
    identity, placement = admin.identity, admin.placement
    makers: list[tuple[Iterable[Any], Callable[[str], Any]]] = [
        (
            placement.resource_providers(),
            lambda name: placement.create_resource_provider(name=name),
        ),
        (identity.projects(), lambda name: identity.create_project(name=name)),
        (identity.users(), lambda name: identity.create_user(name=name)),
    ]
    with concurrent.futures.ThreadPoolExecutor(max(CLIENTS)) as pool:
        for there, make in makers:
            names = [f"bench-{number:05}" for number in range(len(list(there)), GROUPS)]
            list(pool.map(make, names))


# -- how it is asked ------------------------------------------------------------------------------


def interleaved(gets: Mapping[str, Get], clients: int, runs: int) -> dict[str, Any]:
    """Return kind of request -> its figures."""
    sessions = [requests.Session() for _ in range(clients)]
    answers = {kind: get.ask(sessions[0]) for kind, get in gets.items()}  # and warm up
    taken = [_run(gets, sessions) for _ in range(runs)]
    return {
        kind: {
            "things": count(answers[kind].json()),
            "bytes": len(answers[kind].content),
            **median_of([run[kind] for run in taken]),
        }
        for kind in gets
    }


def _run(gets: Mapping[str, Get], sessions: list[requests.Session]) -> dict[str, dict[str, float]]:
    times = TURN // len(sessions)
    seconds: dict[str, list[float]] = {kind: [] for kind in gets}
    in_all = dict.fromkeys(gets, 0.0)
    for _ in range(REQUESTS // TURN):
        for kind, get in gets.items():
            each, whole = burst(get, sessions, times)
            seconds[kind] += each
            in_all[kind] += whole
    return {
        kind: {**latency(each), "per_second": round(len(each) / in_all[kind], 2)}
        for kind, each in seconds.items()
    }


def count(body: dict[str, Any]) -> int:
    """Return how many things an answer lists; one that shows a single thing has no list."""
    return next((len(value) for value in body.values() if isinstance(value, list)), 1)
