# SPDX-License-Identifier: Apache-2.0
"""Makes a site's Keystone: the catalog, the services' users, the tenants."""

import pathlib

from openstack.connection import Connection

from testbed.layout import PASSWORD, Folders, Place
from testbed.openstack import manage

INTERFACES = ("public", "internal", "admin")
# Service -> name in the catalog, type, what follows the address.
CATALOG = (
    ("glance", "glance", "image", ""),
    ("placement", "placement", "placement", ""),
    ("nova", "nova", "compute", "/v2.1"),
    ("neutron", "neutron", "network", ""),
    ("cinder", "cinder", "block-storage", "/v3"),
    ("cinder", "cinderv3", "volumev3", "/v3"),
    ("protector", "protector", "site-recovery", ""),
)
SERVICE_USERS = ("service", "protector")
# Project -> its member.
TENANTS = {"acme": "alice", "rival": "mallory"}


def bootstrap(place: Place, folders: Folders, site_folder: pathlib.Path) -> None:
    """Make the administrator, and Keystone's own entry of the catalog."""
    url = f"{place.url('keystone')}/v3"
    manage(
        folders,
        site_folder,
        *("keystone-manage", "--config-file", "keystone.conf", "bootstrap"),
        *("--bootstrap-region-id", place.name),
        *("--bootstrap-public-url", url),
        *("--bootstrap-internal-url", url),
        *("--bootstrap-admin-url", url),
        extra={"OS_BOOTSTRAP_PASSWORD": PASSWORD},
    )


def make_catalog(place: Place, admin: Connection) -> None:
    for service, name, kind, path in CATALOG:
        entry = admin.identity.create_service(name=name, type=kind)
        for interface in INTERFACES:
            admin.identity.create_endpoint(
                service_id=entry.id,
                interface=interface,
                region_id=place.name,
                url=place.url(service) + path,
            )


def make_accounts(admin: Connection) -> None:
    # `keystone-manage bootstrap` has made these roles.
    roles = {role.name: role.id for role in admin.identity.roles()}
    service = _project(admin, "service")
    for name in SERVICE_USERS:
        user = _user(admin, name)
        for role in ("admin", "service"):
            admin.identity.assign_project_role_to_user(service, user, roles[role])
    for project, member in TENANTS.items():
        admin.identity.assign_project_role_to_user(
            _project(admin, project), _user(admin, member), roles["member"]
        )


def _project(admin: Connection, name: str) -> str:
    return admin.identity.create_project(name=name, domain_id="default").id


def _user(admin: Connection, name: str) -> str:
    return admin.identity.create_user(name=name, password=PASSWORD, domain_id="default").id
