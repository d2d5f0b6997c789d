# SPDX-License-Identifier: Apache-2.0
"""What somebody sees who waits for an operation."""

import io

from openstack.test import fakes

from protectorclient.osc import progress
from protectorclient.v1.operation import Operation


def operation(percent, status="running", step=None, phase=None):
    steps = [{"name": step, "phase": phase, "status": "running"}] if step else []
    return fakes.generate_fake_resource(Operation, progress=percent, status=status, steps=steps)


COURSE = [
    operation(5),
    operation(45, step="manage_volumes_into_cinder", phase="storage_failover"),
    operation(45, step="manage_volumes_into_cinder", phase="storage_failover"),
    operation(100, status="completed"),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def follow(stream):
    pauses, later = [], iter(COURSE[1:])
    ended = progress.follow(COURSE[0], lambda _: next(later), stream, pauses.append)
    assert ended is COURSE[-1]
    assert pauses == [progress.POLL_SECONDS] * 3
    return stream.getvalue()


LINES = [
    "[#-----------------------------]   5% running",
    "[#############-----------------]  45% storage_failover: manage_volumes_into_cinder",
    "[##############################] 100% completed",
]


def test_in_a_log_each_change_is_a_line():
    assert follow(io.StringIO()).splitlines() == LINES


def test_on_a_terminal_the_bar_stays_in_its_place():
    assert follow(Terminal()) == "".join(f"\r\x1b[K{line}" for line in LINES) + "\n"


def test_steps_that_run_together_are_named_together():
    steps = [
        {"name": f"recreate_vm_{vm}", "phase": "instance_recreation", "status": "running"}
        for vm in ("web-server-1", "web-server-2")
    ]
    running = Operation.existing(progress=60, status="running", steps=steps)
    assert progress.bar(running).endswith(
        " 60% instance_recreation: recreate_vm_web-server-1, recreate_vm_web-server-2"
    )


def test_how_far_a_step_is_is_told_in_short():
    detail = "40.0% are on array array-b: snapshot array-a:consisgroup-web-cinder.op-1"
    step = {"name": "wait", "phase": "storage_failover", "status": "running", "detail": detail}
    running = Operation.existing(progress=30, status="running", steps=[step])
    assert progress.bar(running).endswith(
        " 30% storage_failover: wait (40.0% are on array array-b: snapshot array-a:consisgroup-...)"
    )
