# SPDX-License-Identifier: Apache-2.0
"""Readiness on the command line: a table of findings, and then the plan."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cliff.formatters import table
from osc_lib import exceptions as osc

from protectorclient.osc import command
from protectorclient.v1.readiness import Readiness

FIELDS = ("ready", "findings", "plan")
HEADINGS = ("Severity", "Subject", "Finding", "Remedy")


class TellsReadiness(command.ShowOne):
    """Shows a readiness: in a table and text, or in one of cliff's formats as one object."""

    #: What it is to be ready for, as a noun and as a verb.
    what, does = "failover", "fail over"

    _group: str = ""
    _readiness: Readiness | None = None

    def told(self, group: str, readiness: Readiness) -> tuple[Sequence[str], Sequence[Any]]:
        self._group, self._readiness = group, readiness
        return FIELDS, [getattr(readiness, field) for field in FIELDS]

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]
    ) -> int:
        if self._readiness is None:
            return int(super().produce_output(parsed_args, column_names, data))
        if parsed_args.formatter == "table":
            self._write(parsed_args, self._readiness)
        else:
            super().produce_output(parsed_args, column_names, data)
        if not self._readiness.ready:
            raise osc.CommandError(f"Protection group {self._group} is not ready to {self.does}.")
        return 0

    def _write(self, parsed_args: argparse.Namespace, readiness: Readiness) -> None:
        out = self.app.stdout
        if readiness.findings:
            rows = [
                (one["severity"], one["subject"], one["finding"], one["remedy"])
                for one in readiness.findings
            ]
            fitting = argparse.Namespace(**{**vars(parsed_args), "fit_width": True})
            table.TableFormatter().emit_list(HEADINGS, rows, out, fitting)
        else:
            out.write(f"Nothing is in the way of a {self.what} of {self._group}.\n")
        out.writelines(f"{line}\n" for line in lines(readiness.plan, self.what))


def lines(plan: Mapping[str, Any], what: str) -> Iterator[str]:
    """Say what it would do."""
    yield ""
    yield f"A {what} would do this:"
    yield from (f"  {line}" for line in _snapshot(plan["snapshot"]))
    for vm in plan["vms"]:
        yield f"  VM {vm['name']}: flavor {vm['flavor']}"
        for port in vm["ports"]:
            yield f"    {_port(port)}"
        yield f"    volumes {', '.join(vm['volumes'])}"
    for phase in plan["phases"]:
        yield f"  {phase['name']}: {', '.join(phase['steps'])}"
    estimate = plan["estimate"]
    yield f"Estimated time: {estimate['seconds']} seconds ({estimate['basis']})"


def _snapshot(snapshot: Mapping[str, Any] | None) -> Iterator[str]:
    if snapshot:
        yield f"Snapshot {snapshot['name']} of {snapshot['created']}"
        yield f"Expected RPO: {snapshot['rpo_seconds']} seconds"


def _port(port: Mapping[str, Any]) -> str:
    address = ", ".join(port["addresses"]) or "another address"
    return f"network {port['network']}: {address}, MAC {port['mac_address'] or 'another one'}"
