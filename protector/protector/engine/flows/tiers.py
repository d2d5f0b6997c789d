# SPDX-License-Identifier: Apache-2.0
"""VMs come up tier by tier: what comes later may need what came before."""

from collections.abc import Callable, Iterator, Sequence

from taskflow.flow import Flow

from protector.domain import recovery
from protector.domain.document import Member
from protector.engine.flows.plan import in_turn, together
from protector.engine.recovery import Recovery
from protector.engine.step import Step
from protector.engine.steps.instances import WaitForPorts


def boot_tiers(
    work: Recovery,
    members: Sequence[Member],
    bring_up: Callable[[Member, str], Step],
    *,
    waits_for_ports: bool = True,
) -> Iterator[Flow]:
    """Yield what starts each tier's VMs side by side, and waits for the ports that are to answer.

    :param bring_up: makes the step of that name, which starts the member.
    """
    names = recovery.step_names(members)
    for priority, tier in recovery.boot_tiers(members):
        steps = [bring_up(member, names[member.server_id]) for member in tier]
        started = together(f"recreate_vms_of_tier_{priority}", steps)
        awaited = [member for member in tier if member.wait_port and waits_for_ports]
        name = f"wait_for_ports_of_tier_{priority}"
        waits = [WaitForPorts(work, awaited, name)] if awaited else []
        yield in_turn(f"boot_tier_{priority}", started, *waits)
