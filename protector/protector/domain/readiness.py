# SPDX-License-Identifier: Apache-2.0
"""Whether a group can be recovered on a site: what was found, and what a failover would do."""

import dataclasses
import enum
from collections.abc import Sequence


class Severity(enum.StrEnum):
    ERROR = "error"  # of a VM: it does not come up; of the group or the site: nothing does
    WARNING = "warning"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, and what helps.

    ``subject``: the name of a VM, or of the group, the site or the array. ``server_id``: of the VM,
    if it is about one. ``what`` and ``remedy`` are sentences without their last period.
    """

    severity: Severity
    subject: str
    what: str
    remedy: str
    server_id: str | None = None

    @property
    def text(self) -> str:
        said = f"VM {self.subject}: {self.what}" if self.server_id else self.what
        return f"{said.rstrip('.')}. {self.remedy}" if self.remedy else said

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


def said(severity: Severity, subject: str, text: str) -> Finding:
    """Make a finding of an error's text: its first sentence says what is wrong."""
    what, _, remedy = text.partition(". ")
    return Finding(severity, subject, what, remedy)


@dataclasses.dataclass(frozen=True)
class PlannedPort:
    """``addresses``: those it keeps; ``mac_address``: None when it gets another one."""

    network: str
    addresses: Sequence[str]
    mac_address: str | None


@dataclasses.dataclass(frozen=True)
class PlannedVm:
    name: str
    server_id: str
    flavor: str
    ports: Sequence[PlannedPort]
    volumes: Sequence[str]


@dataclasses.dataclass(frozen=True)
class PlannedSnapshot:
    """``rpo_seconds``: what would be lost if the failover began now."""

    name: str
    created: str
    rpo_seconds: int


@dataclasses.dataclass(frozen=True)
class Estimate:
    """``basis``: where the number of seconds comes from, in words."""

    seconds: int
    basis: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a failover would do; ``phases``: name and steps, in their order."""

    phases: Sequence[tuple[str, Sequence[str]]]
    vms: Sequence[PlannedVm]
    snapshot: PlannedSnapshot | None
    estimate: Estimate


@dataclasses.dataclass(frozen=True)
class Readiness:
    findings: Sequence[Finding]
    plan: Plan

    @property
    def ready(self) -> bool:
        return not any(finding.is_error for finding in self.findings)
