# SPDX-License-Identifier: Apache-2.0
"""Tells when a site's OpenStack does what it is asked: its workers report, its host is known."""

import datetime

import requests
from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException

WORKERS = frozenset(
    {"nova-conductor", "nova-scheduler", "nova-compute", "cinder-scheduler", "cinder-volume"}
)
# What a service that is still starting answers with, through the SDK.
NOT_YET = (SDKException, ClientException, requests.RequestException)


def missing(admin: Connection, tenant: Connection, since: datetime.datetime) -> set[str]:
    """Return what is not ready; a worker's report from before ``since`` tells nothing.

    Neutron makes its policy ready at a tenant's first request, and denies the second of two at
    once: the first is made here, alone.
    """
    reports: set[str] = set()
    lacking: set[str] = set()
    try:
        for workers in (admin.compute.services(), admin.block_storage.services()):
            reports |= {
                w.binary for w in workers if w.state == "up" and _newer(w.updated_at, since)
            }
        if not any(True for _ in admin.compute.hypervisors()):
            lacking.add("a hypervisor")
        if not any(True for _ in tenant.network.networks()):
            lacking.add("the tenant's networks")
    except NOT_YET as error:
        lacking.add(f"an answer ({error})")
    return lacking | (WORKERS - reports)


def _newer(reported: str | None, since: datetime.datetime) -> bool:
    if reported is None:
        return False
    at = datetime.datetime.fromisoformat(reported.removesuffix("Z"))
    return at.replace(tzinfo=datetime.UTC) > since
