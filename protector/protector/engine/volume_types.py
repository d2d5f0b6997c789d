# SPDX-License-Identifier: Apache-2.0
"""Which of a site's volume types the volumes of a group are given here."""

from protector import errors
from protector.cloud.base import ServiceCloud, VolumeType
from protector.domain.document import Document


def replicated(document: Document, cloud: ServiceCloud, site: str) -> VolumeType:
    """Return the one named as the source's, where there is one, or the first.

    :raises NoVolumeType: the site has none that replicates as the group does.
    """
    types = cloud.volume_types(document.replication_type)
    if not types:
        raise errors.NoVolumeType(
            reason=f"{site} has no volume type for {document.replication_type} replication,"
            " which the recovered volumes are to have. See: openstack protector site"
            f" list-volume-types {site}"
        )
    wanted = {volume.volume_type for m in document.members for volume in m.volumes}
    return min(types, key=lambda type: (type.name not in wanted, type.name))
