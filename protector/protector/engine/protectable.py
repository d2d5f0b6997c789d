# SPDX-License-Identifier: Apache-2.0
"""Whether a server can be a member of a group; if not, all the reasons."""

from collections.abc import Iterator

from protector import errors
from protector.cloud.base import ServerFacts, VolumeFacts, VolumeType


def check(facts: ServerFacts, *, volume_type: VolumeType, array: str) -> None:
    """:raises ServerNotProtectable: with every reason there is.

    :param volume_type: the one of the group's volumes.
    :param array: the one that replicates them.
    """
    reasons = list(_reasons(facts, volume_type, array))
    if reasons:
        raise errors.ServerNotProtectable(server=facts.member.name, reasons="; ".join(reasons))


def _reasons(facts: ServerFacts, volume_type: VolumeType, array: str) -> Iterator[str]:
    if facts.boots_from_image:
        yield "it boots from an image, and its root disk is on no replicated volume"
    elif not facts.volumes:
        yield "it has no volume"
    for volume in facts.volumes:
        for reason in _of_volume(volume, volume_type, array):
            yield f"volume {volume.name} ({volume.id}) {reason}"


def _of_volume(volume: VolumeFacts, volume_type: VolumeType, array: str) -> Iterator[str]:
    if volume.type_id != volume_type.id:
        yield f"is of type {volume.type_name}, not of the group's type {volume_type.name}"
    if volume.array != array:
        where = f"array {volume.array}" if volume.array else f"pool {volume.pool}"
        yield f"is on {where}, not on array {array}"
    if volume.multiattach:
        yield "can be attached to several servers (multiattach)"
    if volume.encrypted:
        yield "is encrypted, and its key is not on the other site"
