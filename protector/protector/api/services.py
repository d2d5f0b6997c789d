# SPDX-License-Identifier: Apache-2.0
"""What the API works with: made once, given to every resource."""

import dataclasses
import datetime

from oslo_config import cfg
from oslo_policy.policy import Enforcer
from sqlalchemy.orm import Session, sessionmaker

from protector.cloud.base import Cloud
from protector.keys import Keys
from protector.rpc import EngineClient

# An engine shows at each sweep that it works on an operation. After so many that it missed,
# nobody believes it any more.
SILENT_SWEEPS = 6


@dataclasses.dataclass(frozen=True)
class Services:
    conf: cfg.ConfigOpts
    sessions: sessionmaker[Session]
    enforcer: Enforcer
    engine: EngineClient
    cloud: Cloud
    keys: Keys

    @property
    def site(self) -> str:
        name: str = self.conf.site_name
        return name

    @property
    def silence(self) -> datetime.timedelta:
        """How long an engine may say nothing of an operation that it works on."""
        return datetime.timedelta(seconds=SILENT_SWEEPS * self.conf.engine.sweep_interval)
