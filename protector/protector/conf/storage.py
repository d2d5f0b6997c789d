# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "driver",
        default="flasharray",
        help="Driver of this site's array; its own section holds its options.",
    ),
]
