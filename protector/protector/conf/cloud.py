# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt("region_name", help="Region of this site's services; unset: the only one."),
    cfg.IntOpt(
        "parallel_requests", default=8, min=1, help="Requests sent to the cloud side by side."
    ),
    cfg.FloatOpt("timeout", default=30, min=0.1, help="Seconds to wait for an answer."),
    cfg.FloatOpt(
        "call_budget",
        default=10,
        min=0,
        help="Seconds, from the first fault on, for which a request is repeated that may be: one"
        " that only reads, or that certainly was not carried out (connection refused, 429). A"
        " service's Retry-After is honoured within them.",
    ),
    cfg.FloatOpt(
        "server_timeout", default=300, min=1, help="Seconds to wait for a server to be ACTIVE."
    ),
    cfg.FloatOpt(
        "shutdown_timeout",
        default=600,
        min=1,
        help="Seconds to wait for a server that is stopped to be off. Nova asks the guest to shut"
        " down, and powers it off when it has not within os_shutdown_timeout of its image, or else"
        " [DEFAULT] shutdown_timeout of nova.conf (60 seconds). This has to be longer.",
    ),
    cfg.FloatOpt(
        "volume_timeout",
        default=120,
        min=1,
        help="Seconds to wait for volumes to be available, anew whenever one of them is.",
    ),
    cfg.FloatOpt(
        "poll_interval",
        default=0.2,
        min=0.01,
        help="Seconds between two looks at what is awaited, at least. A service whose answer takes"
        " time is left alone for eight times as long, up to 5 seconds.",
    ),
]
