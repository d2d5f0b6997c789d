# SPDX-License-Identifier: Apache-2.0
"""What tests begin with that are about something else: done by the SDK, in seconds.

The same as :func:`scenario.introduce_sites` and :func:`scenario.protect` do by the real command.
"""

import concurrent.futures
from collections.abc import Iterable

from openstack.connection import Connection

from protectorclient.service import SERVICE
from protectorclient.v1._proxy import Proxy
from testbed.layout import PASSWORD
from testbed.scenario import GROUP
from testbed.testbed import Testbed


def protector(cloud: Connection) -> Proxy:
    """Return the connection's way to Protector."""
    cloud.add_service(SERVICE)
    found: Proxy = cloud.protector  # type: ignore[attr-defined]
    return found


def introduce_sites(testbed: Testbed) -> None:
    """Register both sites on both, and pair alice's project with itself."""
    admins = {site: testbed.cloud(f"{site}-admin") for site in testbed.sites}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        find = [pool.submit(_project, cloud) for cloud in admins.values()]
        projects = dict(zip(admins, (found.result() for found in find), strict=True))
        work = [pool.submit(_introduce, testbed, site, admins[site], projects) for site in admins]
        for one in work:
            one.result()


def protect(
    testbed: Testbed,
    servers: Iterable[str],
    *,
    fencing: str = "stop",
    replication_type: str = "async",
) -> None:
    """Make the group on site-a and add the servers, one edit each."""
    here = protector(testbed.cloud("site-a"))
    here.create_protection_group(
        name=GROUP,
        fencing=fencing,
        primary_site="site-a",
        secondary_site="site-b",
        replication_type=replication_type,
        rpo_minutes=15,
    )
    add_members(testbed, servers)


def add_members(testbed: Testbed, servers: Iterable[str]) -> None:
    here = protector(testbed.cloud("site-a"))
    (group,) = here.protection_groups(name=GROUP)
    for server in servers:
        here.add_member(group, server)


def _project(admin: Connection) -> str:
    return str(admin.identity.find_project("acme", ignore_missing=False).id)


def _introduce(testbed: Testbed, here: str, admin: Connection, projects: dict[str, str]) -> None:
    (there,) = set(projects) - {here}
    sites = protector(admin)
    for site in (here, there):
        credentials = (
            {"username": "protector", "password": PASSWORD, "project_name": "service"}
            if site == there
            else {}
        )
        sites.create_site(
            name=site, auth_url=testbed.auth_url(site), region_name=site, **credentials
        )
    sites.create_tenant_mapping(
        project_id=projects[here], peer_site=there, peer_project_id=projects[there]
    )
