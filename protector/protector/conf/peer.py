# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.FloatOpt(
        "connect_timeout",
        default=3,
        min=0.1,
        help="Seconds to wait for a connection to the other site's Keystone or Protector.",
    ),
    cfg.FloatOpt("timeout", default=10, min=0.1, help="Seconds to wait for the answer to each."),
    cfg.FloatOpt(
        "push_timeout",
        default=30,
        min=0.1,
        help="Seconds that sending a recovery document (8 MiB at most) may take, and again as many"
        " until it is answered; also until the peer's array has accepted a group.",
    ),
]
