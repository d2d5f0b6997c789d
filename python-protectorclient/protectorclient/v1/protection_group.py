# SPDX-License-Identifier: Apache-2.0
from typing import Any

from openstack import exceptions, resource
from openstack.proxy import Proxy

from protectorclient.v1._base import ProjectResource
from protectorclient.v1.operation import Operation
from protectorclient.v1.readiness import Readiness
from protectorclient.v1.sync import Sync


class ProtectionGroup(ProjectResource):
    """VMs that fail over together, from one site to the other."""

    resource_key = "protection_group"
    resources_key = "protection_groups"
    base_path = "/%(project_id)s/protection-groups"

    allow_create = allow_fetch = allow_commit = allow_delete = allow_list = True

    _query_mapping = resource.QueryParameters("name", "status", "sort_key", "sort_dir")

    #: What the group is for.
    description = resource.Body("description")
    #: Where the group stands: ``active``, ``failing_over``, ``failed_over``...
    status = resource.Body("status")
    #: Why it stands there, when something went wrong.
    status_reason = resource.Body("status_reason")
    #: The site on which the VMs run.
    current_primary_site = resource.Body("current_primary_site")
    #: The site on which they run in normal times.
    primary_site = resource.Body("primary_site")
    #: The site to which they fail over.
    secondary_site = resource.Body("secondary_site")
    #: How often the group was failed over.
    failover_count = resource.Body("failover_count", type=int)
    #: When it was last failed over.
    last_failover_at = resource.Body("last_failover_at")
    #: How this site's metadata stands against the other site's.
    remote_sync_status = resource.Body("remote_sync_status")
    #: How the volumes are replicated: ``async``.
    replication_type = resource.Body("replication_type")
    #: The volume type of the members' volumes. It can be given when the group is created.
    volume_type = resource.Body("volume_type")
    #: Counts failovers.
    epoch = resource.Body("epoch", type=int)
    #: Counts changes of the metadata.
    version = resource.Body("version", type=int)
    #: The age that the newest replicated snapshot should not exceed.
    rpo_minutes = resource.Body("rpo_minutes", type=int)
    #: Seconds between two replicated snapshots.
    replication_interval = resource.Body("replication_interval", type=int)
    #: Network of the primary site -> network of the secondary site.
    network_mapping = resource.Body("network_mapping", type=dict)
    #: Flavor of the primary site -> flavor of the secondary site.
    flavor_mapping = resource.Body("flavor_mapping", type=dict)
    #: The members: their ids and names.
    members = resource.Body("members", type=list)
    #: What the site that comes back does with VMs that still run there though the group runs on
    #: the other site: ``stop`` or ``report``.
    fencing = resource.Body("fencing")
    #: What that site did or found: subject, what, at.
    fenced = resource.Body("fenced", type=list)
    #: What a failover would lack, or bring back, of the VMs: server_id, server, what, remedy.
    drift = resource.Body("drift", type=list)
    #: When its failover was last tested on the site that is asked.
    last_test_at = resource.Body("last_test_at")
    #: ``passed`` or ``failed``.
    last_test_result = resource.Body("last_test_result")
    #: Seconds from the request to the last VM that was ready.
    last_test_rto_seconds = resource.Body("last_test_rto_seconds", type=int)
    #: Whether the group has changed since then.
    last_test_outdated = resource.Body("last_test_outdated", type=bool)
    #: When the group was created.
    created_at = resource.Body("created_at")
    #: When the group was last changed.
    updated_at = resource.Body("updated_at")

    def _act(self, session: Proxy, action: str, **arguments: Any) -> dict[str, Any]:
        url = f"{self.base_path % {'project_id': self.project_id}}/{self.id}/action"
        response = session.post(url, json={action: arguments})
        exceptions.raise_from_response(response)
        answer: dict[str, Any] = response.json()
        return answer

    def fail_over(self, session: Proxy, **arguments: Any) -> Operation:
        """Start a failover, and return its operation at once."""
        return self._started(session, "failover", **arguments)

    def reprotect(self, session: Proxy) -> Operation:
        """Start to protect it by its other site, and return the operation at once."""
        return self._started(session, "reprotect")

    def fail_back(self, session: Proxy, **arguments: Any) -> Operation:
        """Start a failback, and return its operation at once."""
        return self._started(session, "failback", **arguments)

    def check_failback(self, session: Proxy, **arguments: Any) -> Readiness:
        """Think a failback through, and do nothing."""
        answer = self._act(session, "failback", **arguments, dry_run=True)
        return Readiness.existing(**answer["readiness"])

    def _started(self, session: Proxy, action: str, **arguments: Any) -> Operation:
        answer = self._act(session, action, **arguments)["operation"]
        return Operation.existing(
            connection=session._get_connection(), **(answer | {"project_id": self.project_id})
        )

    def test_failover(self, session: Proxy, **arguments: Any) -> Operation:
        """Start a test of a failover, and return its operation at once."""
        return self._started(session, "test_failover", **arguments)

    def check_test(self, session: Proxy, **arguments: Any) -> Readiness:
        """Think a test of a failover through, and do nothing."""
        answer = self._act(session, "test_failover", **arguments, dry_run=True)
        return Readiness.existing(**answer["readiness"])

    def clean_up_test(self, session: Proxy) -> Operation:
        """Start the removal of what a test has made, and return its operation at once."""
        return self._started(session, "test_cleanup")

    def check(self, session: Proxy, **arguments: Any) -> Readiness:
        """Think a failover through, and do nothing."""
        answer = self._act(session, "failover", **arguments, dry_run=True)
        return Readiness.existing(**answer["readiness"])

    def force_sync(self, session: Proxy, **arguments: Any) -> Sync:
        """Make both sites have the same metadata."""
        return Sync.existing(**self._act(session, "sync_force", **arguments)["sync"])

    def release(self, session: Proxy) -> None:
        """Let what stands by on the other site go."""
        self._act(session, "release")

    def reset_state(self, session: Proxy, status: str, *, force: bool = False) -> None:
        """Set the status by hand, after an operation that died."""
        self._act(session, "reset_state", status=status, force=force)
