# SPDX-License-Identifier: Apache-2.0
"""Nova's fake hypervisor, except that its servers survive a restart of nova-compute."""

from nova import context, objects
from nova.compute import power_state
from nova.virt import fake

# A server in another power state is not on a real hypervisor either.
THERE = (power_state.RUNNING, power_state.SHUTDOWN, power_state.PAUSED)


class RememberingFakeDriver(fake.FakeDriverWithoutFakeNodes):
    def init_host(self, host: str) -> None:
        super().init_host(host)
        instances = objects.InstanceList.get_by_host(context.get_admin_context(), host)
        for instance in instances:
            if instance.power_state in THERE:
                self.instances[instance.uuid] = fake.FakeInstance(
                    instance.name, instance.power_state, instance.uuid
                )
