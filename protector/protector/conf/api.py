# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.HostAddressOpt("host", default="127.0.0.1", help="Address to listen on."),
    cfg.PortOpt("port", default=8788, help="Port to listen on."),
    cfg.IntOpt(
        "threads",
        default=16,
        min=1,
        help="Requests served at once. One that changes a protection group keeps its thread until"
        " both sites have the change.",
    ),
]
