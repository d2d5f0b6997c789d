# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "site_name",
        required=True,
        help="Name of this site, the same by which both sites register it.",
    ),
]
