# SPDX-License-Identifier: Apache-2.0
"""/volumes/tags."""

from typing import Any

from flasharray_simulator.model.tables import Volume
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.listing import answer, chosen, named, reply

NEW = [{"key": str, "value": str, "namespace": str, "copyable": bool}]
DEFAULT_NAMESPACE = "default"


def get(ask: Ask) -> dict[str, Any]:
    wanted = set(ask.values("namespaces")) or {DEFAULT_NAMESPACE}
    return answer(
        ask,
        [
            tag | {"resource": volume.reference}
            for volume in chosen(ask, Volume, "resource_names", "resource_ids")
            for tag in volume.tags
            if tag["namespace"] in wanted
        ],
    )


def put(ask: Ask) -> dict[str, Any]:
    items = []
    for volume in named(ask, Volume, "resource_names", "resource_ids"):
        tags = {(tag["namespace"], tag["key"]): tag for tag in volume.tags}
        for tag in ask.body:
            new = {"namespace": DEFAULT_NAMESPACE, "copyable": True} | tag
            tags[new["namespace"], new["key"]] = new
        volume.tags = list(tags.values())
        items += [tag | {"resource": volume.reference} for tag in volume.tags]
    return reply(items)


def delete(ask: Ask) -> None:
    namespaces, keys = set(ask.values("namespaces")) or {DEFAULT_NAMESPACE}, set(ask.values("keys"))
    for volume in named(ask, Volume, "resource_names", "resource_ids"):
        volume.tags = [
            tag
            for tag in volume.tags
            if tag["namespace"] not in namespaces or (keys and tag["key"] not in keys)
        ]
