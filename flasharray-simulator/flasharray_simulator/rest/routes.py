# SPDX-License-Identifier: Apache-2.0
"""Every URL on one page: what it takes, and who answers."""

import dataclasses
from collections.abc import Callable
from typing import Any

from flasharray_simulator.rest import (
    arrays,
    group_snapshots,
    groups,
    hosts,
    listing,
    pod_arrays,
    pods,
    tags,
    targets,
    volume_groups,
    volume_snapshots,
    volumes,
)
from flasharray_simulator.rest.asking import Ask, Shape

VERSIONS = [f"2.{minor}" for minor in range(37)]


@dataclasses.dataclass(frozen=True)
class Route:
    """``shape`` is what the body may hold; None is no body at all."""

    handler: Callable[[Ask], dict[str, Any] | None]
    parameters: frozenset[str]
    shape: Shape | list[Any] | None = None


def read(handler: Callable[[Ask], dict[str, Any]], parameters: str = "") -> Route:
    return Route(handler, listing.PARAMETERS | set(parameters.split()))


def write(
    handler: Callable[[Ask], dict[str, Any] | None],
    parameters: str,
    shape: Shape | list[Any] | None = None,
) -> Route:
    return Route(handler, frozenset(parameters.split()), shape)


NAMED = "names ids"
DESTROYABLE = "names ids destroyed"
MEMBERS = "group_names group_ids member_names"
POD_MEMBERS = "pod_names pod_ids member_names"
TAGGED = "resource_names resource_ids namespaces keys"

# What older versions than these do not have.
SINCE = {"pods/members": "2.36"}

ROUTES: dict[str, dict[str, Route]] = {
    "arrays": {"GET": read(arrays.get)},
    "arrays/space": {"GET": read(arrays.get_space, "start_time end_time resolution")},
    "arrays/performance": {
        "GET": read(arrays.get_performance, "start_time end_time resolution protocol"),
    },
    "array-connections": {"GET": read(arrays.get_connections, NAMED)},
    "controllers": {"GET": read(arrays.get_controllers, "names")},
    "ports": {"GET": read(arrays.get_ports, "names")},
    "network-interfaces": {"GET": read(arrays.get_network_interfaces, "names")},
    "pods": {
        "GET": read(pods.get, DESTROYABLE),
        "POST": write(pods.create, "names", pods.NEW),
        "PATCH": write(pods.change, "names ids destroy_contents", pods.CHANGE),
        "DELETE": write(pods.eradicate, "names ids eradicate_contents"),
    },
    "pods/arrays": {
        "GET": read(pod_arrays.get_arrays, MEMBERS),
        "POST": write(pod_arrays.stretch_to_arrays, MEMBERS),
        "DELETE": write(pod_arrays.unstretch_arrays, f"{MEMBERS} with_unknown"),
    },
    "pods/members": {
        "GET": read(pod_arrays.get_members, POD_MEMBERS),
        "POST": write(pod_arrays.stretch_to_members, POD_MEMBERS),
        "DELETE": write(pod_arrays.unstretch_members, f"{POD_MEMBERS} with_unknown"),
    },
    "container-default-protections": {
        "GET": read(arrays.get_default_protections, NAMED),
        "PATCH": write(arrays.change_default_protections, NAMED, arrays.CHANGE_PROTECTIONS),
    },
    "volumes": {
        "GET": read(volumes.get, DESTROYABLE),
        "POST": write(
            volumes.create,
            "names overwrite with_default_protection add_to_protection_group_names",
            volumes.NEW,
        ),
        "PATCH": write(
            volumes.change,
            "names ids truncate add_to_protection_group_names remove_from_protection_group_names",
            volumes.CHANGE,
        ),
        "DELETE": write(volumes.eradicate, NAMED),
    },
    "volumes/tags": {
        "GET": read(tags.get, TAGGED),
        "DELETE": write(tags.delete, TAGGED),
    },
    "volumes/tags/batch": {"PUT": write(tags.put, TAGGED, tags.NEW)},
    "volume-groups": {
        "GET": read(volume_groups.get, DESTROYABLE),
        "POST": write(volume_groups.create, "names", volume_groups.NEW),
        "PATCH": write(volume_groups.change, NAMED, volume_groups.CHANGE),
        "DELETE": write(volume_groups.eradicate, NAMED),
    },
    "volume-snapshots": {
        "GET": read(volume_snapshots.get, "names ids destroyed source_names"),
        "POST": write(volume_snapshots.create, "source_names", volume_snapshots.NEW),
        "PATCH": write(volume_snapshots.change, NAMED, volume_snapshots.CHANGE),
        "DELETE": write(volume_snapshots.eradicate, NAMED),
    },
    "volume-snapshots/transfer": {
        "GET": read(volume_snapshots.get_transfers, "names ids destroyed source_names"),
    },
    "hosts": {
        "GET": read(hosts.get, "names"),
        "POST": write(hosts.create, "names", hosts.NEW),
        "PATCH": write(hosts.change, "names", hosts.CHANGE),
        "DELETE": write(hosts.delete, "names"),
    },
    "connections": {
        "GET": read(hosts.get_connections, "host_names volume_names"),
        "POST": write(hosts.connect, "host_names volume_names", hosts.NEW_CONNECTION),
        "DELETE": write(hosts.disconnect, "host_names volume_names"),
    },
    "protection-groups": {
        "GET": read(groups.get, DESTROYABLE),
        "POST": write(groups.create, "names"),
        "PATCH": write(groups.change, NAMED, groups.CHANGE),
        "DELETE": write(groups.eradicate, NAMED),
    },
    "protection-groups/volumes": {
        "GET": read(groups.get_volumes, MEMBERS),
        "POST": write(groups.add_volumes, MEMBERS),
        "DELETE": write(groups.remove_volumes, MEMBERS),
    },
    "protection-groups/targets": {
        "GET": read(targets.get, MEMBERS),
        "POST": write(targets.add, MEMBERS),
        "PATCH": write(targets.change, MEMBERS, targets.CHANGE),
        "DELETE": write(targets.remove, MEMBERS),
    },
    "protection-group-snapshots": {
        "GET": read(group_snapshots.get, "names ids destroyed source_names"),
        "POST": write(
            group_snapshots.create,
            "source_names replicate replicate_now apply_retention",
            group_snapshots.NEW,
        ),
        "PATCH": write(group_snapshots.change, NAMED, group_snapshots.CHANGE),
        "DELETE": write(group_snapshots.eradicate, NAMED),
    },
    "protection-group-snapshots/transfer": {
        "GET": read(group_snapshots.get_transfers, "names ids destroyed source_names"),
    },
}
