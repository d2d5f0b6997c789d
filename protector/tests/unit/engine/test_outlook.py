# SPDX-License-Identifier: Apache-2.0
"""How long a failover would take, by what such steps took before."""

from protector.engine.preflight.outlook import estimate

OUTLINE = {
    "preparation": ["validate_target_site"],
    "storage_failover": ["manage_volumes_into_cinder"],
    "instance_recreation": [f"recreate_vm_web{number}" for number in range(5)],
}


def seconds(taken, *, tiers=(5,), at_once=5):
    return estimate(OUTLINE, taken, tiers=tiers, at_once=at_once, site="site-b").seconds


def test_each_kind_of_step_counts_by_its_median():
    taken = [
        ("validate_target_site", 1.0),
        ("manage_volumes_into_cinder", 10.0),
        ("recreate_vm_db1", 20.0),
        ("recreate_vm_db2", 30.0),
        ("recreate_vm_db3", 400.0),
    ]
    assert seconds(taken) == 1 + 10 + 30


def test_vms_count_once_for_as_many_as_are_made_at_once():
    taken = [
        ("validate_target_site", 1.0),
        ("manage_volumes_into_cinder", 10.0),
        ("recreate_vm_db1", 20.0),
    ]
    assert seconds(taken, at_once=2) == 1 + 10 + 3 * 20
    assert seconds(taken, tiers=[1, 4]) == 1 + 10 + 2 * 20
    assert seconds(taken, tiers=[]) == 1 + 10


def test_what_was_never_seen_is_assumed_and_said_to_be():
    told = estimate(OUTLINE, [], tiers=[5], at_once=5, site="site-b")
    assert told.seconds == 2 + 15 + 30
    assert told.basis == "assumed, 30 seconds for a VM: none has come up on site-b yet"
