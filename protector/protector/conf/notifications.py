# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "transport_url",
        secret=True,
        help="Broker to which Nova, Neutron and Cinder of this site send notifications, such as"
        " rabbit://user:password@host:5672/. Unset: none are read, and what changes of a protected"
        " server is noticed by looking now and then alone.",
    ),
    cfg.ListOpt(
        "topics",
        default=["notifications"],
        help="Topics they send to ([oslo_messaging_notifications] topics of theirs).",
    ),
    cfg.ListOpt(
        "exchanges",
        default=["nova", "neutron", "openstack"],
        help="Exchanges they send to (control_exchange of Nova, of Neutron and of Cinder).",
    ),
]
