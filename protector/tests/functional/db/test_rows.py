# SPDX-License-Identifier: Apache-2.0
"""What only a real database shows: types, uniqueness, and two at the same time."""

import datetime
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from protector import errors
from protector.db import documents, groups, operations, sites, tenant_mappings
from protector.db.models import ProtectionGroup
from protector.db.paging import Page
from protector.domain import document as domain
from protector.domain.document import Document, Mappings, Policy
from protector.domain.group import Event, Status
from protector.domain.operation import Kind

Sessions = sessionmaker[Session]


def make(session: Session, name: str = "web", **values: Any) -> ProtectionGroup:
    return groups.create(
        session,
        **{
            "project_id": "acme",
            "name": name,
            "primary_site": "site-a",
            "secondary_site": "site-b",
            "replication_type": "async",
            **values,
        },
    )


def version(group_id: str, number: int, **values: Any) -> Document:
    return Document(
        **{
            "epoch": 0,
            "version": number,
            "site": "site-a",
            "modified_at": datetime.datetime(2025, 6, 15, 3, 49, 38, tzinfo=datetime.UTC),
            "group_id": group_id,
            "name": "web",
            "description": "",
            "replication_type": "async",
            "primary_site": "site-a",
            "secondary_site": "site-b",
            "current_primary_site": "site-a",
            "status": "active",
            "failover_count": 0,
            "last_failover_at": None,
            "projects": {"site-a": "acme", "site-b": "acme-b"},
            "policy": Policy(rpo_minutes=15, replication_interval=300),
            "mappings": Mappings(networks={}, flavors={}),
            "consistency_group": None,
            "members": [],
            **values,
        }
    )


def put_in_force(session: Session, document: Document) -> None:
    row = documents.keep(session, document, documents.CURRENT)
    documents.commit(session, row, acknowledged=True)


def prepare(session: Session, document: Document) -> None:
    documents.prepare(session, document.model_dump(mode="json"), domain.checksum(document))


def test_a_group_name_is_unique_in_its_project(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make(session)
        make(session, project_id="rival")
    with pytest.raises(errors.GroupExists, match="named web already"), sessions.begin() as session:
        make(session)


def test_times_are_kept_to_the_millisecond(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = make(session)
        written = row.created_at
        session.expire(row)
        assert row.created_at == written


def test_a_long_document_comes_back_whole(sessions: Sessions) -> None:
    long = version("pg-1", 1, mappings=Mappings(networks={"n" * 200_000: "ü"}, flavors={}))
    with sessions.begin() as session:
        put_in_force(session, long)
    with sessions.begin() as session:
        row = documents.in_force(session, "pg-1")
        assert row.document == long
        assert row.checksum == domain.checksum(long)


def test_the_document_is_laid_out_in_the_row(sessions: Sessions) -> None:
    moment = datetime.datetime(2025, 6, 15, 3, 49, 38, tzinfo=datetime.UTC)
    failed_over = version(
        "pg-1", 4, epoch=1, status="failed_over", failover_count=1, last_failover_at=moment
    )
    with sessions.begin() as session:
        groups.adopt(session, failed_over, "site-b")
    with sessions.begin() as session:
        row = groups.get(session, "pg-1")
        assert (row.project_id, row.version, row.epoch) == ("acme-b", 4, 1)
        assert row.status is Status.FAILED_OVER
        assert row.last_failover_at == moment.replace(tzinfo=None)


def test_there_is_one_version_in_force(sessions: Sessions) -> None:
    first, second = version("pg-1", 1), version("pg-1", 2)
    with sessions.begin() as session:
        put_in_force(session, first)
        prepare(session, second)
        put_in_force(session, second)
    with sessions.begin() as session:
        assert documents.in_force(session, "pg-1").version == 2
        assert documents.prepared(session, "pg-1") is None
        assert documents.precedes(session, "pg-1", domain.checksum(first))


def test_what_was_only_prepared_is_no_ancestor(sessions: Sessions) -> None:
    lost = version("pg-1", 2, description="never committed")
    with sessions.begin() as session:
        put_in_force(session, version("pg-1", 1))
        prepare(session, lost)
        assert not documents.precedes(session, "pg-1", domain.checksum(lost))
        documents.abandon(session, "pg-1")
        put_in_force(session, version("pg-1", 2))
        assert not documents.precedes(session, "pg-1", domain.checksum(lost))
        assert [row.standing for row in documents.history(session, "pg-1")] == [
            "current",
            "abandoned",
            "past",
        ]


def test_of_what_is_past_the_newest_are_kept(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for number in range(1, documents.KEPT + 10):
            put_in_force(session, version("pg-1", number))
    with sessions.begin() as session:
        kept = documents.history(session, "pg-1")
        assert len(kept) == documents.KEPT + 1
        assert kept[0].version == documents.KEPT + 9


def test_what_lost_a_conflict_is_kept_however_old_it_is(sessions: Sessions) -> None:
    lost = version("pg-1", 1, description="lost")
    with sessions.begin() as session:
        documents.keep(session, lost, documents.OVERWRITTEN).acknowledged = True
        for number in range(2, documents.KEPT + 10):
            put_in_force(session, version("pg-1", number))
    with sessions.begin() as session:
        assert documents.get(session, "pg-1", domain.checksum(lost)).standing == "overwritten"


def test_two_failovers_at_once_become_one(sessions: Sessions) -> None:
    with sessions.begin() as session:
        group_id = make(session, status=Status.ACTIVE).id
    ready, outcomes = threading.Barrier(2), []

    def submit() -> None:
        ready.wait()
        try:
            with sessions.begin() as session:
                groups.advance(session, groups.lock(session, group_id), Event.FAIL_OVER)
            outcomes.append("accepted")
        except errors.WrongStatus as refusal:
            outcomes.append(refusal.text)

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1] == "accepted"
    assert sorted(outcomes)[0].startswith("Protection group web is failing_over")


def test_a_group_that_somebody_else_moved_on_is_not_moved_twice(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = make(session, status=Status.ACTIVE)
    with sessions.begin() as session:
        groups.advance(session, groups.get(session, row.id), Event.FAIL_OVER)
    with (
        pytest.raises(errors.WrongStatus, match="is failing_over and cannot be deleted"),
        sessions.begin() as session,
    ):
        groups.advance(session, session.merge(row, load=False), Event.DELETE)


def test_a_site_in_use_is_not_deleted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for name in ("site-a", "site-b"):
            sites.create(session, name=name, auth_url=f"http://{name}")
        mapping = tenant_mappings.create(
            session, project_id="acme", peer_site="site-b", peer_project_id="acme-b"
        )
        make(session)
    with sessions.begin() as session:
        with pytest.raises(errors.SiteInUse, match="protection group web"):
            sites.delete(session, sites.get(session, "site-a"))
        groups.delete(session, groups.list_for(session, "acme", page=Page(1))[0].id)
        with pytest.raises(errors.SiteInUse, match=mapping.id):
            sites.delete(session, sites.get(session, "site-b"))
        tenant_mappings.delete(session, tenant_mappings.get(session, mapping.id))
        sites.delete(session, sites.get(session, "site-b"))


def test_a_mapping_in_use_is_not_deleted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        mapping = tenant_mappings.create(
            session, project_id="acme", peer_site="site-b", peer_project_id="acme-b"
        )
        other = tenant_mappings.create(
            session, project_id="rival", peer_site="site-b", peer_project_id="rival-b"
        )
        row = make(session)
    with sessions.begin() as session:
        command = "openstack protector protection-group delete web"
        with pytest.raises(errors.TenantMappingInUse, match=command):
            tenant_mappings.delete(session, tenant_mappings.get(session, mapping.id))
        tenant_mappings.delete(session, tenant_mappings.get(session, other.id))
        groups.delete(session, row.id)
        tenant_mappings.delete(session, tenant_mappings.get(session, mapping.id))


def test_what_the_database_refuses_is_not_repeated_in_the_error(sessions: Sessions) -> None:
    with pytest.raises(sa.exc.DBAPIError) as refused, sessions.begin() as session:
        session.execute(sa.text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "s3cret"})
    assert "s3cret" not in str(refused.value)


def test_a_project_is_paired_once_on_either_side(sessions: Sessions) -> None:
    with sessions.begin() as session:
        tenant_mappings.create(
            session, project_id="acme", peer_site="site-b", peer_project_id="acme-b"
        )
    for project, peer_project in (("acme", "other"), ("other", "acme-b")):
        with pytest.raises(errors.TenantMappingExists), sessions.begin() as session:
            tenant_mappings.create(
                session, project_id=project, peer_site="site-b", peer_project_id=peer_project
            )


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_key", ["name", "created_at"])
def test_pages_hold_each_row_once(sessions: Sessions, sort_key: str, descending: bool) -> None:
    moment = datetime.datetime(2025, 6, 15)
    with sessions.begin() as session:
        for number in range(7):  # three share a moment
            make(session, f"web-{number}", created_at=moment.replace(hour=number // 3))
    seen: list[str] = []
    marker: str | None = None
    with sessions.begin() as session:
        while True:
            page = Page(limit=3, marker=marker, sort_key=sort_key, descending=descending)
            rows = groups.list_for(session, "acme", page=page)
            if not rows:
                break
            seen += [row.name for row in rows]
            marker = rows[-1].id
    assert sorted(seen) == [f"web-{number}" for number in range(7)]
    if sort_key == "name":
        assert seen == sorted(seen, reverse=descending)


def test_an_operation_ended_by_hand_keeps_what_was_said_before(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = operations.create(
            session,
            group_id="pg-1",
            project_id="acme",
            user_id="alice",
            request_id="req-1",
            kind=Kind.FAILOVER,
            source_site="site-a",
            target_site="site-b",
            arguments={},
            error_message="VM web1: no snapshot.",
            trust_id="trust-1",
        )
        assert [found.id for found in operations.unended(session, "pg-1")] == [row.id]
        operations.end(session, row, "Reset by hand.")
        assert row.error_message == "VM web1: no snapshot.\nReset by hand."
        assert operations.unended(session, "pg-1") == []
        assert operations.trusts_to_drop(session) == {row.id: "trust-1"}
