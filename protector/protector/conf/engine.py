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
        "standstill_timeout",
        default=900,
        min=0,
        help="Seconds after which a planned failover gives up what does not come on: the last"
        " snapshot on its way to this site's array, or the other site's shutting down. As long as"
        " there is progress, both may take any time. It has to be longer than the other site's"
        " [cloud] shutdown_timeout.",
    ),
    cfg.FloatOpt(
        "watch_interval",
        default=2,
        min=0.01,
        help="Seconds between two looks at what a planned failover waits for.",
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
        "test_hours",
        default=24,
        min=0,
        help="Hours after which what a test failover made is removed by itself, unless the test was"
        " asked to be kept for another time.",
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
