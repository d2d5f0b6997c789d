# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "connection",
        default="sqlite:///protector.db",
        secret=True,
        help="URL of the database, in SQLAlchemy's form: mysql+pymysql://user:password@host/protector"
        " in production, an SQLite file for a site that runs everything on one host.",
    ),
]
