# SPDX-License-Identifier: Apache-2.0
"""A protected server changes in Nova, Neutron or Cinder: the group follows, or says what is amiss.

Nobody tells Protector; it is to notice by itself.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
import source_array
from tenant import Tenant, in_force
from waiting import until

from testbed import scenario, shortcut
from testbed.operator import Operator
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

GROUP = scenario.GROUP
IN_GROUP = ("protector", "protection-group")
# Seconds.
NOTICED = 30
NOVA_TIMEOUT = 60
VOLUME_TIMEOUT = 60

Protect = Callable[[str], str]


@pytest.fixture(scope="module")
def protect(testbed: Testbed, operator: Operator) -> Protect:
    """Boot a server of alice's on site-a and add it to her group; its id is returned."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    shortcut.protect(testbed, [])
    hosts = itertools.count(31)

    def boot_and_add(name: str) -> str:
        server = scenario.WebServer(name, {"web": f"10.10.0.{next(hosts)}"}, (1,))
        (id,) = scenario.boot(testbed.cloud("site-a"), [server])
        shortcut.add_members(testbed, [name])
        return id

    return boot_and_add


@pytest.fixture
def group(testbed: Testbed) -> Callable[[str], dict[str, Any]]:
    """Tell how the group has captured a server, once both sites have the same."""
    here, there = Tenant(testbed, "site-a"), Tenant(testbed, "site-b")

    def member(id: str) -> dict[str, Any]:
        document = in_force(here, there)
        if document is None:
            return {}
        (found,) = (member for member in document["members"] if member["server_id"] == id)
        return dict(found)

    return member


def drift_of(operator: Operator, id: str, site: str = "site-a") -> dict[str, Any] | None:
    shown = operator.json(site, *IN_GROUP, "show", GROUP)["drift"]
    return next((one for one in shown if one["server_id"] == id), None)


def changes(operator: Operator) -> str:
    """Return what `document diff` says of the last change of the group."""
    return operator.openstack("site-a", *IN_GROUP, "document", "diff", GROUP).stdout


def attach_new_volume(testbed: Testbed, id: str, name: str, volume_type: str) -> str:
    cloud = testbed.cloud("site-a")
    storage = cloud.block_storage
    volume = storage.create_volume(name=name, size=1, volume_type=volume_type)
    storage.wait_for_status(volume, "available", ["error"], 0.3, VOLUME_TIMEOUT)
    cloud.compute.create_volume_attachment(id, volume_id=volume.id)
    return str(volume.id)


def test_a_resized_server_is_captured_with_its_new_flavor(
    testbed: Testbed, operator: Operator, protect: Protect, group: Callable[[str], dict[str, Any]]
) -> None:
    id = protect("resized")
    compute = testbed.cloud("site-a").compute
    compute.resize_server(id, compute.find_flavor("m1.small", ignore_missing=False).id)
    server = compute.get_server(id)
    compute.wait_for_server(server, "VERIFY_RESIZE", interval=0.3, wait=NOVA_TIMEOUT)
    compute.confirm_server_resize(id)
    compute.wait_for_server(server, "ACTIVE", interval=0.3, wait=NOVA_TIMEOUT)

    until(
        lambda: group(id).get("flavor", {}).get("name") == "m1.small",
        seconds=NOTICED,
        what="the new flavor in the document",
    )
    listed = operator.json("site-a", *IN_GROUP, "member", "list", GROUP)
    assert [one["Flavor"] for one in listed if one["Server ID"] == id] == ["m1.small"]
    said = changes(operator)
    for word in ("resized", "m1.large", "m1.small"):
        assert word in said


def test_a_renamed_server_keeps_its_place_under_its_new_name(
    testbed: Testbed, operator: Operator, protect: Protect, group: Callable[[str], dict[str, Any]]
) -> None:
    id = protect("before")
    testbed.cloud("site-a").compute.update_server(id, name="afterwards")

    until(
        lambda: group(id).get("name") == "afterwards",
        seconds=NOTICED,
        what="the new name in the document",
    )
    assert "afterwards" in changes(operator)
    for site in ("site-a", "site-b"):
        listed = operator.json(site, *IN_GROUP, "member", "list", GROUP)
        assert [one["Name"] for one in listed if one["Server ID"] == id] == ["afterwards"]


def test_a_server_given_another_port_is_captured_with_it(
    testbed: Testbed, protect: Protect, group: Callable[[str], dict[str, Any]]
) -> None:
    id = protect("networked")
    cloud = testbed.cloud("site-a")
    network = cloud.network.find_network("db", ignore_missing=False)
    cloud.compute.create_server_interface(id, net_id=network.id)

    until(
        lambda: len(group(id).get("nics", [])) == 2,
        seconds=NOTICED,
        what="the new port in the document",
    )


def test_a_new_volume_of_the_groups_type_is_replicated_from_then_on(
    testbed: Testbed, operator: Operator, protect: Protect, group: Callable[[str], dict[str, Any]]
) -> None:
    id = protect("grown")
    volume = attach_new_volume(testbed, id, "grown-data", "replicated")

    until(
        lambda: volume in {one["id"] for one in group(id).get("volumes", [])},
        seconds=NOTICED,
        what="the new volume in the document",
    )
    assert drift_of(operator, id) is None
    place = scenario.array_volumes(testbed.cloud("site-a"), "grown")["grown-data"]
    assert place in source_array.replicated_volumes(testbed)


def test_a_new_volume_of_another_type_is_told_loudly_with_the_remedy(
    testbed: Testbed, operator: Operator, protect: Protect
) -> None:
    id = protect("mixed")
    volume = attach_new_volume(testbed, id, "mixed-data", "plain")

    drift = until(
        lambda: drift_of(operator, id), seconds=NOTICED, what="the volume to be told as drift"
    )
    for word in ("mixed-data", volume, "plain", "replicated", "comes up without it"):
        assert word in drift["what"]
    assert f"openstack server remove volume {id} {volume}" in drift["remedy"]
    for command in ("show", "list"):
        words = (GROUP,) if command == "show" else ()
        said = operator.openstack("site-a", *IN_GROUP, command, *words)
        assert f"WARNING: {GROUP}: " in said.stderr
        assert "mixed-data" in said.stderr
    assert until(
        lambda: drift_of(operator, id, "site-b"), seconds=NOTICED, what="site-b to know of it"
    )

    testbed.cloud("site-a").compute.delete_volume_attachment(id, volume)
    until(lambda: not drift_of(operator, id), seconds=NOTICED, what="the drift to be gone")


def test_a_deleted_server_is_told_and_stays_until_it_is_taken_out(
    testbed: Testbed, operator: Operator, protect: Protect
) -> None:
    id = protect("deleted")
    compute = testbed.cloud("site-a").compute
    compute.delete_server(id)
    compute.wait_for_delete(compute.get_server(id), interval=0.3, wait=NOVA_TIMEOUT)

    drift = until(lambda: drift_of(operator, id), seconds=NOTICED, what="its end to be told")

    assert "VM deleted was deleted on site-a" in drift["what"]
    for site in ("site-a", "site-b"):
        listed = operator.json(site, *IN_GROUP, "member", "list", GROUP)
        assert id in {one["Server ID"] for one in listed}
    remedy = f"openstack protector protection-group member remove {GROUP} {id}"
    assert remedy in drift["remedy"]
    operator.openstack("site-a", *remedy.split()[1:])
    assert drift_of(operator, id) is None


def test_the_time_to_notice(
    testbed: Testbed,
    protect: Protect,
    group: Callable[[str], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    id = protect("timed")
    began = time.monotonic()
    testbed.cloud("site-a").compute.update_server(id, name="timed anew")
    until(lambda: group(id).get("name") == "timed anew", seconds=NOTICED, what="the new name")
    with capsys.disabled():
        print(
            f"\nSeconds until a renamed server is in force so on both sites:"
            f" {time.monotonic() - began:.1f}"
        )
