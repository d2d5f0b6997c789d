# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "backend_url",
        default="file:///var/lib/protector/coordination",
        secret=True,
        help="Where the engines of this site tell each other that they live (tooz). A folder does"
        " for engines of one host; for several hosts: redis://... or etcd3+http://...",
    ),
    cfg.IntOpt(
        "member_expiry",
        default=10,
        min=1,
        help="Seconds after its last sign of life at which an engine counts as dead, and the others"
        " take over what it was doing.",
    ),
]
