# SPDX-License-Identifier: Apache-2.0
"""Thousands of protection groups on both sites, copied from one that was really made.

A copy is a whole row and a whole recovery document on each site, written by Protector's own
database layer. Its VMs are those of the group it was copied from. Behind it stands a protection
group of its own on the source's array, when that is asked for, and nothing in Cinder.
"""

import itertools
import math
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from flasharray_simulator.model.tables import Group, Target, Volume
from flasharray_simulator.rest.groups import KEEP, REPLICATION_SCHEDULE, SNAPSHOT_SCHEDULE
from protector.db import documents, groups, session
from protector.db.models import Operation, OperationStep, ProtectionGroup, RecoveryDocument, now
from protector.db.session import Sessions
from protector.domain import document as domain
from protector.domain import operation
from protector.domain.document import Document
from protector.engine.chain import array_group
from testbed import scenario, shortcut
from testbed.layout import PASSWORD, PLACES, PORTS
from testbed.testbed import Testbed

# The sites of the groups: where they run, and where they would be recovered.
HERE, THERE = "site-a", "site-b"
# Rows of one transaction.
AT_ONCE = 500
# Phase -> steps, as of a failover of two VMs.
PLAN = {
    "preparation": ["validate_target", "find_replicated_point"],
    "storage_failover": ["promote_volumes", "manage_volumes"],
    "instance_recreation": ["create_ports", "create_web-server-1", "create_web-server-2"],
    "finalization": ["verify_instances", "record_failover"],
}


def protect(testbed: Testbed) -> Document:
    """Make two new sites with one group of two VMs; return its document."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    shortcut.protect(testbed, scenario.boot(testbed.cloud(HERE), scenario.WEB_SERVERS))
    return documents_of(testbed, HERE, scenario.GROUP)[0]


def database(site: str) -> Sessions:
    """Return the way into the database of the site's Protector."""
    place = PLACES[site]
    where = f"openstack:{PASSWORD}@{place.address}:{PORTS['mariadb']}"
    return session.make_sessions(
        session.connect(f"mysql+pymysql://{where}/protector?charset=utf8mb4")
    )


def documents_of(testbed: Testbed, site: str, name: str | None = None) -> list[Document]:
    """Return what is in force on the site: of all groups, or of the one of that name."""
    condition = f"WHERE name = '{name}'" if name else ""
    ids = [
        id
        for (id,) in testbed.query(site, f"SELECT id FROM protector.protection_groups {condition}")
    ]
    with database(site).begin() as transaction:
        return list(documents.of_groups(transaction, ids).values())


def copy(original: Document, numbers: range) -> list[Document]:
    """Return so many documents of other groups like this one, each with a chain of its own."""
    return [_copy(original, number) for number in numbers]


def _copy(original: Document, number: int) -> Document:
    chain, cinder_group = original.consistency_group, str(uuid.uuid4())
    assert chain is not None
    changes = {"array_group": array_group(cinder_group), "cinder_group_id": cinder_group}
    return original.model_copy(
        update={
            "group_id": f"pg-{uuid.uuid4()}",
            "name": f"bench-{number:05}",
            "consistency_group": chain.model_copy(update=changes),
        }
    )


def put_in_force(copies: Sequence[Document]) -> None:
    """Let both sites have the groups, and know that the other one has."""
    for site in (HERE, THERE):
        sessions = database(site)
        for some in _portions(copies):
            with sessions.begin() as transaction:
                transaction.add_all(_row(document, site) for document in some)
                transaction.add_all(_version(document) for document in some)


def _row(document: Document, site: str) -> ProtectionGroup:
    row = ProtectionGroup(id=document.group_id, fenced=[])
    groups.project(row, document, site)
    groups.synced(row, document.epoch, document.version)
    return row


def _version(document: Document) -> RecoveryDocument:
    return RecoveryDocument(
        group_id=document.group_id,
        epoch=document.epoch,
        version=document.version,
        checksum=domain.checksum(document),
        body=domain.canonical(document).decode(),
        standing=documents.CURRENT,
        acknowledged=True,
    )


def record_operations(copies: Sequence[Document], count: int) -> None:
    """Write so many completed failovers, with their steps, into the records of the groups' site."""
    sessions, of = database(HERE), itertools.cycle(copies)
    for some in _portions(range(count)):
        with sessions.begin() as transaction:
            rows = [_operation(next(of)) for _ in some]
            transaction.add_all(rows)
            transaction.flush()
            transaction.add_all(step for row in rows for step in _steps(row))


def _operation(document: Document) -> Operation:
    return Operation(
        group_id=document.group_id,
        project_id=document.projects[HERE],
        user_id="alice",
        request_id=f"req-{uuid.uuid4()}",
        kind=operation.Kind.FAILOVER,
        status=operation.Status.COMPLETED,
        progress=100,
        source_site=THERE,
        target_site=HERE,
        arguments=operation.FailoverArguments().model_dump(mode="json"),
        plan=PLAN,
        started_at=now(),
        completed_at=now(),
    )


def _steps(row: Operation) -> Iterator[OperationStep]:
    for phase, names in PLAN.items():
        for name in names:
            yield OperationStep(
                operation_id=row.id,
                name=name,
                phase=phase,
                status=operation.StepStatus.COMPLETED,
                started_at=now(),
                ended_at=now(),
                detail="As it was to be.",
            )


def replicate(testbed: Testbed, copies: Sequence[Document]) -> None:
    """Put behind each group what its document tells of the arrays: members, target, consent.

    It is written into the simulator's own tables, as its API would take hours. The schedules are
    off, or the simulator would keep the machine busy with snapshots.
    """
    file = testbed.folders.simulator / "state" / "state.sqlite"
    array, other = PLACES[HERE].array, PLACES[THERE].array
    names = [volume.array_volume for one in copies[0].members for volume in one.volumes]
    with orm.Session(sa.create_engine(f"sqlite:///{file}")) as transaction, transaction.begin():
        found = sa.select(Volume).where(Volume.place == array, Volume.name.in_(names))
        volumes = transaction.scalars(found).all()
        for document in copies:
            chain = document.consistency_group
            assert chain is not None
            source = _array_group(array, chain.array_group, volumes=list(volumes))
            replica = _array_group(
                other, f"{array}:{chain.array_group}", replica_of=array, origin=source
            )
            target = Target(group=source, array=other, allowed=True, replica=replica)
            transaction.add_all((source, replica, target))


def _array_group(array: str, name: str, **facts: Any) -> Group:
    return Group(
        id=str(uuid.uuid4()),
        place=array,
        name=name,
        created=int(time.time() * 1000),
        replication_schedule=REPLICATION_SCHEDULE,
        snapshot_schedule=SNAPSHOT_SCHEDULE,
        source_retention=KEEP,
        target_retention=KEEP,
        last_runs={},
        **facts,
    )


def _portions(things: Sequence, size: int = AT_ONCE) -> Iterator[Sequence]:
    for number in range(math.ceil(len(things) / size)):
        yield things[number * size : (number + 1) * size]
