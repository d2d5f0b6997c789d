# SPDX-License-Identifier: Apache-2.0
"""What may be protected, who may do it, and that both sites change or none."""

import subprocess

import pytest

from testbed import scenario
from testbed.operator import OPENSTACK, Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
EDIT = ("protector", "protection-group", "member")


@pytest.fixture(scope="module")
def sites(testbed: Testbed, operator: Operator) -> None:
    testbed.reset()
    scenario.introduce_sites(operator, testbed)
    scenario.protect(operator, [])


def test_protector_is_in_the_catalog(operator: Operator, sites: None) -> None:
    said = operator.openstack("site-b", "catalog", "show", "protector")
    assert "http://127.0.2.1:8788" in said.stdout


def test_an_openrc_file_signs_in_to_its_site(testbed: Testbed, sites: None) -> None:
    openrc = testbed.clouds_yaml.with_name("site-b-openrc")
    script = f". {openrc} && {OPENSTACK} protector protection-group list -f value -c Name"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{GROUP}\n", "")


def test_a_server_on_a_volume_of_another_type_is_refused_with_the_reason(
    testbed: Testbed, operator: Operator, sites: None
) -> None:
    plain = scenario.WebServer("plain-server", {"web": "10.10.0.21"}, (1,), volume_type="plain")
    scenario.boot(testbed.cloud("site-a"), [plain])
    said = operator.openstack("site-a", *EDIT, "add", GROUP, "plain-server", check=False)
    assert said.code == 1
    for word in ("plain-server", "plain", "replicated"):
        assert word in said.stderr


def test_a_server_that_boots_from_an_image_is_refused_with_the_reason(
    testbed: Testbed, operator: Operator, sites: None
) -> None:
    scenario.boot_from_image(testbed, "image-server")
    said = operator.openstack("site-a", *EDIT, "add", GROUP, "image-server", check=False)
    assert said.code == 1
    for word in ("image-server", "boots from an image"):
        assert word in said.stderr


def test_another_tenant_does_not_see_the_group(operator: Operator, sites: None) -> None:
    show = ("protector", "protection-group", "show")
    group_id = operator.json("site-a", *show, GROUP)["id"]
    for wanted in (GROUP, group_id):
        said = operator.openstack("site-a-rival", *show, wanted, check=False)
        assert said.code == 1
        assert f"No protection group {wanted}" in said.stderr


def test_an_edit_without_the_peer_changes_nothing(
    testbed: Testbed, operator: Operator, sites: None
) -> None:
    server = scenario.WebServer("new-server", {"web": "10.10.0.22"}, (1,))
    scenario.boot(testbed.cloud("site-a"), [server])
    with testbed.protector_stopped("site-b"):
        said = operator.openstack("site-a", *EDIT, "add", GROUP, "new-server", check=False)
        shown = operator.json("site-a", "protector", "protection-group", "show", GROUP)
    assert said.code == 1
    assert "site-b" in said.stderr
    assert "nothing was changed" in said.stderr
    assert operator.json("site-a", *EDIT, "list", GROUP) == []
    assert (shown["version"], shown["remote_sync_status"]) == (1, "UNREACHABLE")

    # With the peer back, the same command does it.
    operator.openstack("site-a", *EDIT, "add", GROUP, "new-server")
    shown = operator.json("site-b", "protector", "protection-group", "show", GROUP)
    assert (shown["version"], [m["name"] for m in shown["members"]]) == (2, ["new-server"])


def test_a_deleted_group_is_gone_from_both_sites_and_their_arrays(
    testbed: Testbed, operator: Operator
) -> None:
    testbed.reset()
    scenario.introduce_sites(operator, testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS[1:])
    scenario.protect(operator, ["web-server-2"])
    operator.openstack("site-a", "protector", "protection-group", "delete", GROUP)
    for site in ("site-a", "site-b"):
        assert operator.json(site, "protector", "protection-group", "list") == []
    cloud = testbed.cloud("site-a")
    assert list(cloud.block_storage.groups()) == []
    (volume,) = cloud.block_storage.volumes()
    assert volume.status == "in-use"
