# SPDX-License-Identifier: Apache-2.0
"""How openstacksdk finds Protector in a cloud.

``connection.add_service(SERVICE)``, then ``connection.protector`` is the proxy.
"""

from openstack.service_description import ServiceDescription

from protectorclient.v1._proxy import Proxy

SERVICE: ServiceDescription[Proxy] = ServiceDescription(
    "site-recovery",
    supported_versions={"1": Proxy},
    aliases=["protector"],
)
