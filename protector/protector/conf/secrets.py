# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "key_file",
        default="/etc/protector/keys",
        help="File of the keys by which the peer's password is encrypted in the database, one a"
        " line: the first encrypts, all decrypt. Make it with: protector-manage create-key",
    ),
]
