# SPDX-License-Identifier: Apache-2.0
"""Names under which a recovery finds again what it made."""

import datetime

import pytest

from protector.domain import recovery
from protector.domain.document import Document, Flavor, Mappings, Member, Policy


def member(server_id: str, name: str, **wishes) -> Member:
    return Member(
        server_id=server_id,
        name=name,
        description=None,
        flavor=Flavor(id="f", name="f", vcpus=1, ram_mb=1, disk_gb=0),
        nics=[],
        volumes=[],
        key_name=None,
        metadata={},
        tags=[],
        availability_zone=None,
        server_group=None,
        user_data=None,
        config_drive=False,
        **wishes,
    )


def document(**changes) -> Document:
    facts = {
        "epoch": 0,
        "version": 3,
        "site": "site-a",
        "modified_at": datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC),
        "group_id": "pg-1",
        "name": "web",
        "description": "",
        "replication_type": "async",
        "primary_site": "site-a",
        "secondary_site": "site-b",
        "current_primary_site": "site-a",
        "status": "active",
        "failover_count": 0,
        "last_failover_at": None,
        "projects": {},
        "policy": Policy(rpo_minutes=15, replication_interval=300),
        "mappings": Mappings(networks={}, flavors={}),
        "consistency_group": None,
        "members": [member("1", "web1"), member("2", "web2")],
    }
    return Document(**{**facts, **changes})


def test_what_resumes_a_partial_failover_belongs_to_the_same_disaster():
    assert recovery.epoch_of(document(epoch=4)) == 4
    assert recovery.epoch_of(document(epoch=5, status="failed_over_partial")) == 4


def test_a_key_fits_where_it_has_to():
    source = "12345678-1234-1234-1234-123456789012"
    key = recovery.key(source, recovery.label(12345))
    assert key == "12345678-1234-1234-1234-123456789012-e12345"
    of_a_test = recovery.key(source, recovery.test_label(f"op-{source}"))
    assert of_a_test == "12345678-1234-1234-1234-123456789012-t12345678"
    assert max(len(key), len(of_a_test)) <= 48


def test_each_vm_has_a_step_named_after_it():
    names = recovery.step_names([member("1", "web-server-1"), member("2", "db")])
    assert names == {"1": "recreate_vm_web-server-1", "2": "recreate_vm_db"}


def test_vms_of_one_name_have_steps_of_two():
    names = recovery.step_names([member("11111111-2", "Web"), member("22222222-2", "web")])
    assert names == {
        "11111111-2": "recreate_vm_Web_11111111",
        "22222222-2": "recreate_vm_web_22222222",
    }


def test_the_longest_server_name_still_makes_a_step_name():
    names = recovery.step_names([member("11111111", "x" * 255), member("22222222", "x" * 255)])
    assert len(set(names.values())) == 2
    assert all(len(name) <= 255 for name in names.values())


def test_vms_are_started_tier_by_tier_and_in_the_documents_order_within():
    tiers = recovery.boot_tiers(
        [
            member("1", "batch", boot_priority=5),
            member("2", "web1"),
            member("3", "db", boot_priority=1),
            member("4", "web2"),
        ]
    )
    started = [(priority, [member.name for member in tier]) for priority, tier in tiers]
    assert started == [(1, ["db"]), (3, ["web1", "web2"]), (5, ["batch"])]


def test_only_what_is_optional_may_fail():
    members = [member("1", "db"), member("2", "batch", criticality="optional")]
    assert recovery.optional_steps(members) == {"recreate_vm_batch"}


@pytest.mark.parametrize(
    ("label", "status", "epoch", "over"),
    [
        ("e0", "failed_over", 1, False),  # it runs here
        ("e0", "active", 2, True),  # and has failed back
        ("e2", "active", 4, True),
        ("e2", "active", 2, False),  # it came to nothing, and what it made is kept for a retry
        ("e0", "active", 1, False),  # a person decided for the other site, and may decide again
        ("t1a2b3c4d", "active", 2, False),  # a test
    ],
)
def test_what_a_recovery_made_is_of_no_use_once_the_group_has_failed_back(
    label: str, status: str, epoch: int, over: bool
) -> None:
    assert recovery.is_over(label, document(status=status, epoch=epoch)) is over
