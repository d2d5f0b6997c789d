# SPDX-License-Identifier: Apache-2.0
import socket

from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<host name>",
        help="By what name this engine claims operations; after a restart it resumes those of the"
        " same name, so no two engines of a site may share one.",
    ),
    cfg.FloatOpt(
        "sweep_interval",
        default=5,
        min=0.1,
        help="Seconds between two looks for operations that wait, and for news to the peer.",
    ),
    cfg.FloatOpt(
        "capture_interval",
        default=60,
        min=0.1,
        help="Seconds between two looks at the protected VMs for what has changed of them; what"
        " Nova, Neutron or Cinder notify of ([notifications]) is looked at at once.",
    ),
    cfg.FloatOpt(
        "step_budget",
        default=120,
        min=0,
        help="Seconds for which a step of an operation is repeated while a service or the array"
        " does not answer, or is too busy to. What has been made by then is found, not made again.",
    ),
    cfg.FloatOpt(
        "port_timeout",
        default=0,
        min=0,
        help="Seconds that a boot tier waits, once its VMs are ACTIVE, for those with a wait_port"
        " to answer there; then the failover goes on with a note. They are tried at their fixed"
        " addresses from this engine's host, by which a tenant learns what answers at addresses of"
        " its choice: set it only where this host has a way into the tenants' networks and to"
        " nothing that they must not know of. 0: no port is tried.",
    ),
    cfg.FloatOpt(
        "shutdown_timeout",
        default=60,
        min=0,
        help="Seconds that an engine which is told to stop gives the steps that run; another engine"
        " goes on with the rest.",
    ),
    cfg.IntOpt("parallel_vms", default=8, min=1, help="VMs of one operation recreated at once."),
]
