# SPDX-License-Identifier: Apache-2.0
from openstack import resource

from protectorclient.v1._base import ProjectResource


class SyncStatus(ProjectResource):
    """How a group's metadata here stands against the other site's, as last known here."""

    resource_key = "sync_status"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/sync-status"
    requires_id = False

    allow_fetch = True

    #: The protection group.
    group_id = resource.URI("group_id")
    #: ``SYNCED``, ``PENDING``, ``UNREACHABLE``...
    status = resource.Body("status")
    #: Whether both sites have the same metadata.
    in_sync = resource.Body("in_sync", type=bool)
    #: What this site has: version, epoch, site, modified_at.
    local = resource.Body("local", type=dict)
    #: What the other site has: site, status, version, epoch, last_sync, error.
    remote = resource.Body("remote", type=dict)
    #: Sentences: what to do.
    actions = resource.Body("actions", type=list)


class Sync(resource.Resource):
    """What came of pushing a group's metadata to the other site."""

    #: The site pushed to.
    peer_site = resource.Body("peer_site")
    #: ``success``.
    status = resource.Body("status")
    #: The site whose version both sites have now.
    source_site = resource.Body("source_site")
    #: The number of that version.
    version = resource.Body("version", type=int)
    #: The checksum of that version.
    checksum = resource.Body("checksum")
    #: What lost, when the sites had different ones: site, epoch, version, checksum; or nothing.
    overwritten = resource.Body("overwritten", type=dict)
    #: How long it took.
    duration_ms = resource.Body("duration_ms", type=int)
