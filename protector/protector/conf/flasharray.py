# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt("name", help="Name of this site's array, as the peer's array knows it."),
    cfg.StrOpt("target", help="Management address of the array: host or host:port."),
    cfg.StrOpt("api_token", secret=True, help="API token of a user of the array."),
    cfg.StrOpt(
        "ca_file", help="Certificates that the array's certificate is checked by; unset: system's."
    ),
    cfg.IntOpt(
        "parallel_requests",
        default=4,
        min=1,
        help="Requests sent to the array side by side, each in a session of its own.",
    ),
    cfg.FloatOpt("connect_timeout", default=5, min=0.1, help="Seconds to wait for a connection."),
    cfg.FloatOpt("timeout", default=30, min=0.1, help="Seconds to wait for an answer."),
    cfg.FloatOpt(
        "call_budget",
        default=10,
        min=0,
        help="Seconds for which is repeated what an array did not answer, or was too busy for. Its"
        " Retry-After is honoured within them.",
    ),
    cfg.IntOpt(
        "retention_seconds",
        default=86400,
        min=1,
        help="How long the target array keeps each replicated snapshot.",
    ),
    cfg.IntOpt(
        "safety_retention",
        default=86400,
        min=1,
        help="Seconds for which the array keeps what original volumes held before a failback"
        " overwrote them.",
    ),
]
