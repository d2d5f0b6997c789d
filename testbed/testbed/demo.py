# SPDX-License-Identifier: Apache-2.0
"""The demo: a whole cloud dies, and its workloads come back on the other.

Walks the operator's procedure with the real `openstack` command and prints what an operator sees.
"""

import json
import pathlib
import re
import sys
import time
from typing import Any

from testbed import scenario
from testbed.operator import CommandFailed, Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
NAMES = [server.name for server in scenario.WEB_SERVERS]
REPORT = pathlib.Path("build/reports/demo.json")
ENDED = re.compile(r"status +\| (completed|failed)")
# Seconds.
FAILOVER_LIMIT = 300


class Demo:
    def __init__(self, testbed: Testbed) -> None:
        self._began = time.time()
        self._testbed = testbed
        self._quiet = Operator(testbed.clouds_yaml)
        self._operator = Operator(testbed.clouds_yaml, show=True)

    def run(self) -> dict[str, Any]:
        self._prepare()
        self._protect()
        volumes = self._replicate()
        last_write = self._disaster(volumes)
        operation, typed_at = self._fail_over()
        report = self._report(operation, last_write, typed_at)
        self._return()
        report["total_seconds"] = round(time.time() - self._began, 1)
        return report

    # -- the acts -----------------------------------------------------------------------------

    def _prepare(self) -> None:
        title("Two clouds, made as new, that do not know each other")
        self._testbed.up()
        self._testbed.reset()
        say("the administrators register both sites on both and pair the tenant's projects")
        scenario.introduce_sites(self._operator, self._testbed)
        say("the tenant's servers, booted from volumes of a replicated type:")
        scenario.boot(self._testbed.cloud("site-a"), scenario.WEB_SERVERS)
        self._operator.openstack("site-a", "server", "list")

    def _protect(self) -> None:
        title("The tenant protects the servers, on site-a")
        # Ids of both sites, noted while both can be asked.
        self._options = scenario.mapping_options(self._testbed)
        scenario.protect(self._operator, NAMES)
        self._operator.openstack("site-a", "protector", "protection-group", "show", GROUP)

    def _replicate(self) -> list[str]:
        """Return the names of the servers' volumes on site-a's array."""
        title("The servers write, and the arrays replicate")
        cloud = self._testbed.cloud("site-a")
        volumes = [v for name in NAMES for v in scenario.array_volumes(cloud, name).values()]
        scenario.write(self._testbed, volumes, "written before the snapshot")
        scenario.replicate(self._testbed)
        self._operator.openstack("site-b", "protector", "consistency-group", "show", GROUP)
        return volumes

    def _disaster(self, volumes: list[str]) -> float:
        """Return when the last write was made; it will not have been replicated."""
        title("The servers write on, and site-a dies: its services, database, broker and array")
        last_write = scenario.write(self._testbed, volumes, "written after the snapshot")
        self._testbed.kill("site-a")
        say("what the operator sees of site-a:")
        self._operator.openstack("site-a", "server", "list", check=False)
        return last_write

    def _fail_over(self) -> tuple[dict[str, Any], float]:
        """Return the operation's record, and when its command was typed."""
        title("The procedure of an unplanned failover, on site-b")
        self._operator.openstack("site-b", "protector", "protection-group", "show", GROUP)
        failover = ("protector", "protection-group", "failover", GROUP, "--type", "unplanned")
        typed_at = time.time()
        said = self._operator.openstack("site-b", *failover, *self._options)
        operation = said.stdout.split("operation_id")[1].split("|")[1].strip()
        show = ("protector", "operation", "show", operation)
        end = time.monotonic() + FAILOVER_LIMIT
        while not ENDED.search(self._operator.openstack("site-b", *show).stdout):
            if time.monotonic() > end:
                raise SystemExit(f"the failover has not ended in {FAILOVER_LIMIT} seconds")
        record: dict[str, Any] = self._quiet.json("site-b", *show)
        self._operator.openstack("site-b", "protector", "operation", "list")
        self._operator.openstack("site-b", "server", "list")
        self._operator.openstack("site-b", "protector", "protection-group", "show", GROUP)
        return record, typed_at

    def _return(self) -> None:
        title("Site-a comes back, and is told what happened")
        self._testbed.start("site-a")
        self._operator.openstack("site-a", "catalog", "list")
        for command in ("sync-status", "sync-force", "sync-status"):
            self._operator.openstack("site-b", "protector", "protection-group", command, GROUP)

    # -- the figures --------------------------------------------------------------------------

    def _report(
        self, operation: dict[str, Any], last_write: float, typed_at: float
    ) -> dict[str, Any]:
        cloud = self._testbed.cloud("site-b")
        servers = []
        for name in NAMES:
            server = cloud.compute.find_server(name, ignore_missing=False)
            servers.append(
                {
                    "name": name,
                    "id": server.id,
                    "status": server.status,
                    "site": "site-b",
                    "addresses": sorted(
                        address["addr"] for nets in server.addresses.values() for address in nets
                    ),
                    "last_write": self._last_write(name),
                }
            )
        survived = min(server["last_write"]["at"] for server in servers)
        return {
            "operation_id": operation["operation_id"],
            "status": operation["status"],
            # From the command typed to the last step's end.
            "rto_seconds": round(scenario.moment(operation["steps"][-1]["ended_at"]) - typed_at, 1),
            "rpo_seconds": round(last_write - survived, 1),
            "phase_seconds": phase_seconds(operation["steps"]),
            "servers": servers,
        }

    def _last_write(self, server: str) -> dict[str, Any]:
        """Return the newest write that came back, of the volume that has the oldest one."""
        places = scenario.array_volumes(self._testbed.cloud("site-b"), server).values()
        newest = (self._testbed.control.writes("flasharray-b", place)[-1] for place in places)
        oldest = min(newest, key=lambda write: write.at)
        return {"marker": oldest.marker, "at": oldest.at}


def phase_seconds(steps: list[dict[str, Any]]) -> dict[str, float]:
    """Return phase -> from its first step's begin to its last step's end."""
    seconds = {}
    for phase in dict.fromkeys(step["phase"] for step in steps):
        times = [
            (scenario.moment(step["started_at"]), scenario.moment(step["ended_at"]))
            for step in steps
            if step["phase"] == phase
        ]
        begun, ended = min(t[0] for t in times), max(t[1] for t in times)
        seconds[phase] = round(ended - begun, 2)
    return seconds


def table(report: dict[str, Any]) -> str:
    lines = [
        ("what was lost (RPO)", f"{report['rpo_seconds']:7.1f} s of writes"),
        ("how long it took (RTO)", f"{report['rto_seconds']:7.1f} s, {report['status']}"),
        *(
            (f"  {phase.replace('_', ' ')}", f"{seconds:7.2f} s")
            for phase, seconds in report["phase_seconds"].items()
        ),
        *(
            (
                f"{server['name']} on {server['site']}",
                f"{server['status']}, {', '.join(server['addresses'])};"
                f" last write: {server['last_write']['marker']}",
            )
            for server in report["servers"]
        ),
        ("the whole demo", f"{report['total_seconds']:7.1f} s"),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in lines)


def title(text: str) -> None:
    print(f"\n\n=== {text}", flush=True)


def say(text: str) -> None:
    print(f"\n--- {text}", flush=True)


def main() -> None:
    try:
        report = Demo(Testbed()).run()
    except CommandFailed as failed:
        sys.exit(f"\nThe demo ends here: {failed}")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    title("The end")
    print(table(report))
    print(f"\nThe same figures are in {REPORT}. Both sites still run: try them with\n")
    print(f"    export OS_CLIENT_CONFIG_FILE={Testbed().clouds_yaml} OS_CLOUD=site-b")
    print("    build/venv/bin/openstack protector protection-group list\n")
    print("and stop them with scripts/demo --down")
    if report["status"] != "completed":
        sys.exit(1)


if __name__ == "__main__":
    main()
