# SPDX-License-Identifier: Apache-2.0
"""protector-engine: changes protection groups, and runs operations on them."""

import logging
import os
import signal
import sys
from collections.abc import Sequence

from oslo_config import cfg

from protector import conf as options
from protector import rpc, storage
from protector.cloud.openstack import OpenStackCloud
from protector.cmd import memory
from protector.coordination import Members
from protector.db import session
from protector.engine.conductor import Conductor
from protector.engine.persistence import Persistence
from protector.engine.service import Service
from protector.engine.work import Equipment
from protector.keys import Keys
from protector.sync.http import Peers


def main(arguments: Sequence[str] | None = None) -> None:
    service = make(options.load(sys.argv[1:] if arguments is None else arguments))
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: service.stop())
    memory.keep()
    service.run()
    if not service.leave():
        # Threads in mid-step would keep the process from ending.
        logging.shutdown()
        os._exit(1)


def make(conf: cfg.ConfigOpts) -> Service:
    database = session.connect(conf.database.connection)
    sessions = session.make_sessions(database)
    equipment = Equipment(
        conf=conf,
        sessions=sessions,
        cloud=OpenStackCloud.from_conf(conf),
        array=storage.load(conf),
        peer=Peers(conf, sessions, Keys.from_conf(conf)),
    )
    members = Members(conf, conf.engine.host)
    conductor = Conductor(equipment, Persistence(database))
    return Service(equipment, conductor, members, rpc.transport(conf))
