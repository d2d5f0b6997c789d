# SPDX-License-Identifier: Apache-2.0
"""Nova's fake hypervisor, except that its servers are those of the database.

So they survive a restart of nova-compute, and one that was deleted is there again once the database
is put back to a moment in which it was.
"""

from typing import Any

from nova import context, objects
from nova.compute import power_state
from nova.virt import fake

# A server in another power state is not on a real hypervisor either.
THERE = (power_state.RUNNING, power_state.SHUTDOWN, power_state.PAUSED)


class RememberingFakeDriver(fake.FakeDriverWithoutFakeNodes):
    def init_host(self, host: str) -> None:
        super().init_host(host)
        for instance in objects.InstanceList.get_by_host(context.get_admin_context(), host):
            self._recall(instance)

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        self._recall(instance)
        super().power_off(instance, *args, **kwargs)

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        self._recall(instance)
        super().power_on(context, instance, *args, **kwargs)

    def get_info(self, instance: Any, *args: Any, **kwargs: Any) -> Any:
        self._recall(instance)
        return super().get_info(instance, *args, **kwargs)

    def _recall(self, instance: Any) -> None:
        if instance.uuid not in self.instances and instance.power_state in THERE:
            self.instances[instance.uuid] = fake.FakeInstance(
                instance.name, instance.power_state, instance.uuid
            )
