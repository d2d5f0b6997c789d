# SPDX-License-Identifier: Apache-2.0
"""Whether a server, or a volume of one, can be recovered with a group; if not, all the reasons."""

from collections.abc import Iterator

from protector import errors
from protector.cloud.base import ServerFacts, VolumeFacts, VolumeType


def check(facts: ServerFacts, *, volume_type: VolumeType, array: str) -> None:
    """:raises ServerNotProtectable: with every reason there is.

    :param volume_type: the one of the group's volumes.
    :param array: the one that replicates them.
    """
    reasons = [
        *of_server(facts),
        *(
            f"volume {volume.name} ({volume.id}) {reason}"
            for volume in facts.volumes
            for reason in of_volume(volume, volume_type=volume_type, array=array)
        ),
    ]
    if reasons:
        raise errors.ServerNotProtectable(server=facts.member.name, reasons="; ".join(reasons))


def of_server(facts: ServerFacts) -> Iterator[str]:
    """Yield what stands in the way whichever volumes it has."""
    if facts.boots_from_image:
        yield "it boots from an image, and its root disk is on no replicated volume"
    elif not facts.volumes:
        yield "it has no volume"


def of_volume(volume: VolumeFacts, *, volume_type: VolumeType, array: str) -> Iterator[str]:
    """Yield why it is not replicated with the group, to stand after the volume's name."""
    if volume.type_id != volume_type.id:
        yield f"is of type {volume.type_name}, not of the group's type {volume_type.name}"
    if volume.array != array:
        where = f"array {volume.array}" if volume.array else f"pool {volume.pool}"
        yield f"is on {where}, not on array {array}"
    if volume.multiattach:
        yield "can be attached to several servers (multiattach)"
    if volume.encrypted:
        yield "is encrypted, and its key is not on the other site"
