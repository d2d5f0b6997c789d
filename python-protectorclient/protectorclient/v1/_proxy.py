# SPDX-License-Identifier: Apache-2.0
"""The client's verbs: start reading here.

What belongs to a project is looked for in the project that the token is for.
"""

from collections.abc import Generator, Sequence
from typing import Any

from openstack import exceptions, proxy

from protectorclient.v1.consistency_group import ConsistencyGroup
from protectorclient.v1.document import Document
from protectorclient.v1.member import Member
from protectorclient.v1.operation import Operation
from protectorclient.v1.protection_group import ProtectionGroup
from protectorclient.v1.readiness import Readiness
from protectorclient.v1.replication_policy import ReplicationPolicy
from protectorclient.v1.site import Site
from protectorclient.v1.snapshot import Snapshot
from protectorclient.v1.sync import Sync, SyncStatus
from protectorclient.v1.tenant_mapping import TenantMapping


class Proxy(proxy.Proxy):
    api_version = "1"

    @property
    def _project(self) -> dict[str, Any]:
        project_id = self.get_project_id()
        if project_id is None:
            raise exceptions.ConfigException(
                "Protection groups belong to a project, and you did not sign in to one. Set"
                " OS_PROJECT_NAME, or project_name in clouds.yaml"
            )
        return {"project_id": project_id}

    def _of(self, group: ProtectionGroup) -> dict[str, Any]:
        return {"project_id": group.project_id, "group_id": group.id}

    # ====== Sites: for administrators. Names or ids ======

    def sites(self) -> Generator[Site, None, None]:
        """Return the sites known to the site that is asked."""
        return self._list(Site)

    def get_site(self, site: str | Site) -> Site:
        """Return one site."""
        return self._get(Site, site)

    def create_site(self, **attrs: Any) -> Site:
        """Register a site."""
        return self._create(Site, **attrs)

    def update_site(self, site: str | Site, **attrs: Any) -> Site:
        """Change what is known of a site."""
        return self._update(Site, site, **attrs)

    def delete_site(self, site: str | Site, ignore_missing: bool = False) -> None:
        """Forget a site that no protection group uses."""
        self._delete(Site, site, ignore_missing=ignore_missing)

    def validate_site(self, site: str | Site) -> dict[str, Any]:
        """Return what the site that is asked finds when it signs in to this one."""
        return self._get_resource(Site, site).validate(self)

    def volume_types(self, site: str | Site) -> list[dict[str, Any]]:
        """Return the replicated volume types of a site; only the site itself knows them."""
        return self._get_resource(Site, site).volume_types(self)

    # ====== Tenant mappings: for administrators ======

    def tenant_mappings(self) -> Generator[TenantMapping, None, None]:
        """Return which projects of this site are paired with which of the peer."""
        return self._list(TenantMapping)

    def get_tenant_mapping(self, mapping: str | TenantMapping) -> TenantMapping:
        """Return one pair of projects."""
        return self._get(TenantMapping, mapping)

    def create_tenant_mapping(self, **attrs: Any) -> TenantMapping:
        """Pair a project of this site with one of the peer."""
        return self._create(TenantMapping, **attrs)

    def delete_tenant_mapping(
        self, mapping: str | TenantMapping, ignore_missing: bool = False
    ) -> None:
        """Part two projects."""
        self._delete(TenantMapping, mapping, ignore_missing=ignore_missing)

    # ====== Protection groups ======

    def protection_groups(self, **query: Any) -> Generator[ProtectionGroup, None, None]:
        """Return the project's protection groups; filter by ``name``, ``status``."""
        return self._list(ProtectionGroup, **self._project, **query)

    def get_protection_group(self, group: str | ProtectionGroup) -> ProtectionGroup:
        """Return one protection group, by id."""
        return self._get(ProtectionGroup, group, **self._project)

    def find_protection_group(
        self, name_or_id: str, ignore_missing: bool = False
    ) -> ProtectionGroup | None:
        """Return one protection group, by name or id."""
        return self._find(
            ProtectionGroup, name_or_id, ignore_missing=ignore_missing, **self._project
        )

    def create_protection_group(self, **attrs: Any) -> ProtectionGroup:
        """Create a protection group, on both sites."""
        return self._create(ProtectionGroup, **self._project, **attrs)

    def update_protection_group(self, group: ProtectionGroup, **attrs: Any) -> ProtectionGroup:
        """Change a protection group, on both sites: its description, policy, mappings, fencing.

        A mapping that is given replaces the one that was kept.
        """
        return self._update(ProtectionGroup, group, **attrs)

    def delete_protection_group(self, group: ProtectionGroup, ignore_missing: bool = False) -> None:
        """Delete a protection group, on both sites. The VMs stay."""
        self._delete(ProtectionGroup, group, ignore_missing=ignore_missing)

    def fail_over(
        self,
        group: ProtectionGroup,
        *,
        type: str = "unplanned",
        network_mapping: dict[str, str] | None = None,
        flavor_mapping: dict[str, str] | None = None,
        accept_stale_metadata: bool = False,
        snapshot: str | None = None,
        before: str | None = None,
    ) -> Operation:
        """Bring the group's VMs up on the site that is asked.

        ``unplanned``: without the other site, from the latest snapshot. ``planned``: the other one
        shuts them down and sends the last of their data first.

        The mappings given hold for this execution, and override those stored with the group.

        :param snapshot: name of the one to recover from, instead of the newest complete one.
        :param before: or the newest complete one taken until this time (ISO 8601, with its zone).
        """
        return group.fail_over(
            self,
            type=type,
            force=type == "unplanned",
            network_mapping=network_mapping or {},
            flavor_mapping=flavor_mapping or {},
            accept_stale_metadata=accept_stale_metadata,
            **_given({"snapshot": snapshot, "before": before}),
        )

    def check(
        self,
        group: ProtectionGroup,
        *,
        type: str = "unplanned",
        network_mapping: dict[str, str] | None = None,
        flavor_mapping: dict[str, str] | None = None,
        accept_stale_metadata: bool = False,
        snapshot: str | None = None,
        before: str | None = None,
    ) -> Readiness:
        """Return what stands in the way of that failover, and what it would do; do nothing."""
        return group.check(
            self,
            type=type,
            force=type == "unplanned",
            network_mapping=network_mapping or {},
            flavor_mapping=flavor_mapping or {},
            accept_stale_metadata=accept_stale_metadata,
            **_given({"snapshot": snapshot, "before": before}),
        )

    def test_failover(self, group: ProtectionGroup, **wanted: Any) -> Operation:
        """Bring the group's VMs up on the site that is asked beside all that runs, as a test.

        :param wanted: any of ``network_mapping`` (for what is not in it, isolated networks are
            made), ``flavor_mapping``, ``snapshot``, ``before``, ``prefix``, ``keep_hours``, and
            ``probes``: name or id of a VM -> ``tcp:<port>`` or ``http:<port>/<path>``.
        """
        return group.test_failover(self, **_given(wanted))

    def check_test(self, group: ProtectionGroup, **wanted: Any) -> Readiness:
        """Return what stands in the way of that test, and what it would do; do nothing."""
        return group.check_test(self, **_given(wanted))

    def clean_up_test(self, group: ProtectionGroup) -> Operation:
        """Remove all that the group's test has made on the site that is asked."""
        return group.clean_up_test(self)

    def snapshots(self, group: ProtectionGroup) -> Generator[Snapshot, None, None]:
        """Return the points in time to which the group can be recovered, newest first."""
        return self._list(Snapshot, **self._of(group))

    def reprotect(self, group: ProtectionGroup) -> Operation:
        """Protect a group, which was failed over to the site that is asked, by the other site."""
        return group.reprotect(self)

    def fail_back(
        self,
        group: ProtectionGroup,
        *,
        network_mapping: dict[str, str] | None = None,
        flavor_mapping: dict[str, str] | None = None,
    ) -> Operation:
        """Bring a group that was failed over back to the site that is asked."""
        return group.fail_back(
            self, network_mapping=network_mapping or {}, flavor_mapping=flavor_mapping or {}
        )

    def check_failback(
        self,
        group: ProtectionGroup,
        *,
        network_mapping: dict[str, str] | None = None,
        flavor_mapping: dict[str, str] | None = None,
    ) -> Readiness:
        """Return what stands in the way of that failback, and what it would do; do nothing."""
        return group.check_failback(
            self, network_mapping=network_mapping or {}, flavor_mapping=flavor_mapping or {}
        )

    def get_readiness(self, group: ProtectionGroup) -> Readiness:
        """Return the same, by the mappings that are stored with the group."""
        return self._get(Readiness, None, False, **self._of(group))

    def release(self, group: ProtectionGroup) -> None:
        """Let go of the old VMs and volumes, which stand by on the other site."""
        group.release(self)

    def reset_state(self, group: ProtectionGroup, status: str, *, force: bool = False) -> None:
        """Set a group's status by hand, after an operation that died."""
        group.reset_state(self, status, force=force)

    # ====== What belongs to a protection group ======

    def members(self, group: ProtectionGroup) -> Generator[Member, None, None]:
        """Return the members of a group."""
        return self._list(Member, **self._of(group))

    def get_member(self, group: ProtectionGroup, server_id: str) -> Member:
        """Return one member of a group."""
        return self._get(Member, server_id, **self._of(group))

    def add_member(self, group: ProtectionGroup, server: str, **attrs: Any) -> Member:
        """Protect a server, by name or id.

        How it is to be recovered can be given: ``boot_priority``, ``criticality``, ``wait_port``.
        """
        return self._create(Member, server=server, **self._of(group), **attrs)

    def update_member(self, group: ProtectionGroup, member: str | Member, **attrs: Any) -> Member:
        """Change how a member is to be recovered, as in :meth:`add_member`."""
        return self._update(Member, member, **self._of(group), **attrs)

    def remove_member(
        self, group: ProtectionGroup, server_id: str, ignore_missing: bool = False
    ) -> None:
        """Protect a server no longer."""
        self._delete(Member, server_id, ignore_missing=ignore_missing, **self._of(group))

    def get_replication_policy(self, group: ProtectionGroup) -> ReplicationPolicy:
        """Return the replication policy of a group."""
        return self._get(ReplicationPolicy, None, False, **self._of(group))

    def get_consistency_group(self, group: ProtectionGroup) -> ConsistencyGroup:
        """Return what stands behind a group on the site that is asked."""
        return self._get(ConsistencyGroup, None, False, **self._of(group))

    def get_sync_status(self, group: ProtectionGroup) -> SyncStatus:
        """Return how the group's metadata stands against the other site's."""
        return self._get(SyncStatus, None, False, **self._of(group))

    def force_sync(self, group: ProtectionGroup, direction: str | None = None) -> Sync:
        """Push the group's metadata to the other site.

        :param direction: ``secondary-to-primary`` or ``primary-to-secondary``, when each site has
            changes of its own: whose version holds. The other site's is kept among its documents.
        """
        return group.force_sync(self, **({"force_direction": direction} if direction else {}))

    # ====== Recovery documents: the versions of a group ======

    def documents(self, group: ProtectionGroup) -> Generator[Document, None, None]:
        """Return every version of a group that is kept, newest first, without its content."""
        return self._list(Document, **self._of(group))

    def get_document(self, group: ProtectionGroup, document: str | Document) -> Document:
        """Return one version, by its checksum, and its content."""
        return self._get(Document, document, **self._of(group))

    def document_differences(self, before: Document, after: Document) -> list[dict[str, Any]]:
        """Return what changed from one version to the other: what, before, after."""
        return after.differences_from(self, before)

    # ====== Operations ======

    def operations(self, **query: Any) -> Generator[Operation, None, None]:
        """Return the project's operations, newest first; filter by ``group_id``, ``status``."""
        return self._list(Operation, **self._project, **query)

    def get_operation(self, operation: str | Operation) -> Operation:
        """Return one operation, with its steps."""
        return self._get(Operation, operation, **self._project)

    def retry_operation(
        self,
        operation: str | Operation,
        *,
        network_mapping: dict[str, str] | None = None,
        flavor_mapping: dict[str, str] | None = None,
        skip: Sequence[str] = (),
        accept_stale_metadata: bool = False,
    ) -> Operation:
        """Start an operation that does what a failed or cancelled one left.

        :param skip: names or ids of VMs to leave out this time.
        """
        return self._get_resource(Operation, operation, **self._project).retry(
            self,
            network_mapping=network_mapping or {},
            flavor_mapping=flavor_mapping or {},
            skip=list(skip),
            accept_stale_metadata=accept_stale_metadata,
        )

    def cancel_operation(self, operation: str | Operation, *, keep: bool = False) -> Operation:
        """Have an operation stop at the next safe point.

        :param keep: leave what it has made for a later retry, instead of undoing it.
        """
        return self._get_resource(Operation, operation, **self._project).cancel_it(self, keep=keep)


def _given(wanted: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not given: the API knows what is meant then."""
    return {name: value for name, value in wanted.items() if value is not None}
