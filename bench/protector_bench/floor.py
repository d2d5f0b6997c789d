# SPDX-License-Identifier: Apache-2.0
"""The floor: works off a prepared list as fast as it can be done, and does nothing else.

    python -m protector_bench.floor LIST WIDTH

LIST is a file (:mod:`protector_bench.prepared`), WIDTH how many requests are sent side by side.
Each VM is booted as soon as its own volumes and port are there. Nothing is checked, written down or
tried again. What it took is printed as JSON: ``seconds`` from the first request, which signs in, to
the answer that shows the last server ACTIVE; ``cpu_seconds`` of this process in that time, so
without its start; by service, ``calls``, and ``last_post``: the second in which its last change was
answered.
"""

import collections
import functools
import itertools
import json
import pathlib
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import requests

# Seconds between two looks at a list.
PAUSE = 0.2
# Boots go before what prepares the others: Nova works on while the rest is asked for.
BOOT, PREPARE = 0, 1
VOLUME_VERSION = {"OpenStack-API-Version": "volume 3.16"}
# Seconds that an answer may take, and that may pass until one server more is ACTIVE: what is not
# after so long never will be.
TIMEOUT, STANDSTILL = 120, 300


class Floor:
    def __init__(self, wanted: dict[str, Any], width: int) -> None:
        self.calls: collections.Counter[str] = collections.Counter()
        self.last_post: dict[str, float] = {}
        self._began = time.monotonic()
        self._wanted = wanted
        self._width = width
        self._http = requests.Session()
        # Nothing of the environment is looked up for each request.
        self._http.trust_env = False
        self._http.verify = wanted["ca"]
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=width + 1)
        self._http.mount("http://", adapter)
        self._http.mount("https://", adapter)
        self._work: queue.PriorityQueue[tuple[int, int, Callable[[], None]]]
        self._work = queue.PriorityQueue()
        self._order = itertools.count()
        self._failure: Exception | None = None

    def run(self) -> None:
        self._sign_in()
        vms = [_Vm(self, vm) for vm in self._wanted["vms"]]
        for vm in vms:
            for job in vm.preparation():
                self.later(PREPARE, job)
        for _ in range(self._width):
            threading.Thread(target=self._worker, daemon=True).start()
        waiting, active, came_on = vms, 0, time.monotonic()
        while active < len(vms):
            time.sleep(PAUSE)
            if self._failure:
                raise self._failure
            if time.monotonic() - came_on > STANDSTILL:
                raise RuntimeError(f"only {active} of {len(vms)} servers became ACTIVE")
            if waiting:
                available = self._listed("cinder", "volumes", "status=available")
                ready = [vm for vm in waiting if vm.is_ready(available)]
                waiting = [vm for vm in waiting if vm not in ready]
                for vm in ready:
                    self.later(BOOT, vm.boot)
            if len(waiting) < len(vms):
                before, active = active, len(self._listed("nova", "servers", "status=ACTIVE"))
                came_on = time.monotonic() if active > before else came_on

    def later(self, priority: int, job: Callable[[], None]) -> None:
        self._work.put((priority, next(self._order), job))

    def post(self, service: str, path: str, body: dict[str, Any], **headers: str) -> Any:
        answer = self._send("POST", service, path, json=body, headers=headers).json()
        self.last_post[service] = time.monotonic() - self._began
        return answer

    def copy(self, snapshot: str, name: str) -> None:
        path = f"/volumes?names={name}&with_default_protection=false"
        self.post("array", path, {"source": {"name": snapshot}}, **self._array_session)

    # -- inside -------------------------------------------------------------------------------

    def _sign_in(self) -> None:
        wanted = self._wanted
        identity = {"methods": ["password"], "password": {"user": wanted["user"]}}
        body = {"auth": {"identity": identity, "scope": {"project": wanted["project"]}}}
        self._http.headers["X-Auth-Token"] = self._send(
            "POST", "keystone", "/auth/tokens", json=body
        ).headers["X-Subject-Token"]
        session = self._send("POST", "array", "/login", headers={"api-token": wanted["api_token"]})
        # An array calls its token as Keystone does.
        self._array_session = {"X-Auth-Token": session.headers["x-auth-token"]}

    def _worker(self) -> None:
        while True:
            _, _, job = self._work.get()
            try:
                job()
            except Exception as error:
                self._failure = error

    def _listed(self, service: str, things: str, which: str) -> set[str]:
        """Return the ids, which are all that such a list tells, and cost the service least."""
        answer = self._send("GET", service, f"/{things}?{which}").json()
        return {one["id"] for one in answer[things]}

    def _send(self, method: str, service: str, path: str, **options: Any) -> requests.Response:
        self.calls[service] += 1
        answer = self._http.request(
            method, self._wanted[service] + path, timeout=TIMEOUT, **options
        )
        if not answer.ok:
            raise RuntimeError(f"{method} {answer.url}: {answer.status_code} {answer.text}")
        return answer


class _Vm:
    def __init__(self, floor: Floor, wanted: dict[str, Any]) -> None:
        self._floor = floor
        self._wanted = wanted
        self._volumes: dict[int, str] = {}
        self._port = ""

    def preparation(self) -> list[Callable[[], None]]:
        volumes = range(len(self._wanted["volumes"]))
        return [*(functools.partial(self._volume, number) for number in volumes), self._make_port]

    def is_ready(self, available: set[str]) -> bool:
        made = set(self._volumes.values())
        return bool(self._port) and len(made) == len(self._wanted["volumes"]) and made <= available

    def boot(self) -> None:
        disks = [
            {
                "uuid": self._volumes[number],
                "source_type": "volume",
                "destination_type": "volume",
                "boot_index": number if number == 0 else -1,
                "delete_on_termination": False,
            }
            for number in sorted(self._volumes)
        ]
        server = {
            **self._wanted["server"],
            "networks": [{"port": self._port}],
            "block_device_mapping_v2": disks,
        }
        self._floor.post("nova", "/servers", {"server": server})

    def _volume(self, number: int) -> None:
        wanted = self._wanted["volumes"][number]
        self._floor.copy(wanted["snapshot"], wanted["manage"]["ref"]["source-name"])
        made = self._floor.post(
            "cinder", "/manageable_volumes", {"volume": wanted["manage"]}, **VOLUME_VERSION
        )
        self._volumes[number] = made["volume"]["id"]

    def _make_port(self) -> None:
        made = self._floor.post("neutron", "/ports", {"port": self._wanted["port"]})
        self._port = made["port"]["id"]


def main() -> None:
    path, width = sys.argv[1:]
    floor = Floor(json.loads(pathlib.Path(path).read_text()), int(width))
    began, cpu = time.monotonic(), time.process_time()
    floor.run()
    taken = {
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - cpu,
        "calls": floor.calls,
        "last_post": floor.last_post,
    }
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
