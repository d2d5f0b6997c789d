# SPDX-License-Identifier: Apache-2.0
"""Alice's program: asks a site's Protector at its own address, whatever the catalog says."""

import dataclasses
from typing import Any

import requests

from testbed import scenario
from testbed.testbed import Testbed

# Seconds. An edit whose engine has died is not answered before Protector gives it up.
PATIENCE = 5


@dataclasses.dataclass(frozen=True)
class Told:
    """What Protector answered; ``code`` and ``message`` when it refused."""

    status: int
    code: str = ""
    message: str = ""


NOTHING = Told(status=0)


class Tenant:
    def __init__(self, testbed: Testbed, site: str) -> None:
        self.site = site
        (self._peer,) = set(testbed.sites) - {site}
        self._cloud = testbed.cloud(site)
        project = self._cloud.current_project_id
        self._groups = f"http://{testbed.address(site)}:8788/v1/{project}/protection-groups"
        self._headers = {"X-Auth-Token": self._cloud.auth_token}

    def group(self) -> dict[str, Any]:
        (found,) = self._get("", name=scenario.GROUP)["protection_groups"]
        shown: dict[str, Any] = self._get(f"/{found['id']}")["protection_group"]
        return shown

    def sync_status(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._get(f"/{self.group()['id']}/sync-status")["sync_status"]
        return shown

    def document(self) -> dict[str, Any]:
        """Return the version in force, with its checksum."""
        return self._get(f"/{self.group()['id']}/document")

    def standing(self) -> tuple[str, str]:
        """Return how the group stands against the peer's, and its document's checksum."""
        return self.group()["remote_sync_status"], self.document()["checksum"]

    def describe(self, group_id: str, description: str) -> Told:
        """Change the group's description; return :data:`NOTHING` when nobody answers."""
        return self._change("PATCH", f"/{group_id}", description=description)

    def create(self, name: str, *, patience: float = PATIENCE) -> Told:
        """Make a group of this site's; return :data:`NOTHING` when nobody answers."""
        sites = {"primary_site": self.site, "secondary_site": self._peer}
        return self._change("POST", "", patience, name=name, **sites)

    def names(self) -> set[str]:
        return {group["name"] for group in self._get("")["protection_groups"]}

    def _change(self, method: str, path: str, patience: float = PATIENCE, **values: str) -> Told:
        try:
            answer = requests.request(
                method,
                self._groups + path,
                json={"protection_group": values},
                headers=self._headers,
                timeout=patience,
            )
        except requests.RequestException:
            return NOTHING
        if answer.ok:
            return Told(answer.status_code)
        error = answer.json()["error"]
        return Told(answer.status_code, error["code"], error["message"])

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        answer = requests.get(
            self._groups + path, params=query, headers=self._headers, timeout=PATIENCE
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def in_force(*tenants: Tenant) -> dict[str, Any] | None:
    """Return the document when all sites have the same and say so, else None."""
    try:
        document = tenants[0].document()
        standings = {tenant.standing() for tenant in tenants}
    except requests.RequestException:
        return None  # a service that has just started
    found: dict[str, Any] = document["document"]
    return found if standings == {("SYNCED", document["checksum"])} else None
