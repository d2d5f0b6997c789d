# SPDX-License-Identifier: Apache-2.0
"""Whatever the network does and whoever dies when: no change is lost and no group forks unseen."""

import contextlib
import itertools
import os
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from functional.sync.network import (
    ANSWER_LOST,
    DELAYED,
    DELIVERED,
    DOUBLED,
    LOST,
    PROJECTS,
    Killed,
    Network,
    Site,
    Wire,
)
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, groups
from protector.db.models import ProtectionGroup, RecoveryDocument
from protector.domain import group
from protector.domain.document import Document, Mappings, Policy, moment
from protector.domain.group import Event
from protector.domain.sync import Direction, Status
from protector.sync import edit, editing, force, guards
from protector.sync.exchange import exchange

# Most messages arrive; when an example is made smaller, all do.
FATES = st.sampled_from([DELIVERED] * 8 + [LOST, ANSWER_LOST, DELAYED, DOUBLED])
FUSES = st.one_of(st.none(), st.none(), st.none(), st.integers(0, 30))
MEANWHILE = st.sampled_from(["nothing"] * 12 + ["upkeep", "failover", "late", "edit"])
SITES = st.sampled_from(list(PROJECTS))
# After so many rounds of upkeep without a fault nothing may be left to do.
ROUNDS = 4


class TwoSites(RuleBasedStateMachine):
    """The group is site-a's at first. A token is a change that was told to be made."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()
        self.sites = {name: Site(name) for name in PROJECTS}
        a, b = self.sites.values()
        self.wires = {
            a.name: Wire(self.network, a, b),
            b.name: Wire(self.network, b, a),
        }
        self.group_id = ""
        self.tokens: set[str] = set()
        self.count = 0
        self.depth = 0
        self.copies: dict[str, Any] = {}
        self.restored = False
        # Site -> whether the failover that it is at accepts stale metadata.
        self.failing_over: dict[str, bool] = {}

    # -- what engines do ----------------------------------------------------------------------

    @initialize(data=st.data())
    def begin(self, data: Any) -> None:
        """A group is created, however often it takes; what was lost of it is sent again."""
        self.network.fate = lambda: data.draw(FATES)
        try:
            self.create()
        except errors.ProtectorError:
            with self.sites["site-a"].plain.begin() as session:
                groups.delete(session, self.group_id)
            self.network.fate = lambda: DELIVERED
            self.create()
        self.network.fate = lambda: DELIVERED
        self.work()
        assert self.agree(), self.picture()

    def create(self) -> None:
        site, wire = self.sites["site-a"], self.wires["site-a"]
        with site.sessions.begin() as session:
            row = groups.create(
                session,
                project_id="project-a",
                name="web",
                primary_site="site-a",
                secondary_site="site-b",
                replication_type="async",
            )
        self.group_id = row.id
        with site.editors.editing(row.id) as editor:
            edit.commit_edit(site.sessions, wire, first(row), editor)

    def edit(self, site: Site) -> None:
        """Make a change; what is refused changed nothing here."""
        self.count += 1
        token = f"token-{self.count}"
        try:
            self.change(site, token)
        except errors.ProtectorError:
            assert token not in self.document(site).mappings.networks
            raise
        assert not self.network.parted
        self.tokens.add(token)

    def change(self, site: Site, token: str) -> None:
        wire = self.wires[site.name]
        if self.row(site).remote_sync_status is Status.UNREACHABLE:
            silence = exchange(site.sessions, wire, site.name)
            if silence:
                raise silence
        with site.editors.editing(self.group_id) as editor:
            guards.must_be_editable(self.row(site), Event.EDIT, site.name)
            edit.introduce(site.sessions, wire, self.group_id, site.name)
            before = self.document(site)
            networks = {**before.mappings.networks, token: token}
            mappings = Mappings(networks=networks, flavors={})
            after = before.following(site.name, mappings=mappings)
            edit.commit_edit(site.sessions, wire, after, editor)

    def upkeep(self, site: Site) -> None:
        wire = self.wires[site.name]
        if site.name in self.failing_over:
            return
        site.editors.forget_dead()
        if exchange(site.sessions, wire, site.name) is None:
            edit.repeat_commits(site.sessions, wire, site.editors)

    def fail_over(self, site: Site, *, accept: bool) -> None:
        with site.sessions.begin() as session:
            row = groups.lock(session, self.group_id)
            guards.must_not_be_superseded(row, site.name)
            if row.peer_of(row.current_primary_site) != site.name:
                raise errors.WrongSite(
                    action="Failover", group="web", right_site="other", site=site.name
                )
            groups.advance(session, row, Event.FAIL_OVER)
            self.failing_over[site.name] = accept
        self.go_on(site)

    def go_on(self, site: Site) -> None:
        """Do what the flow does, from wherever it stands."""
        accept = self.failing_over[site.name]
        with site.sessions.begin() as session:
            row = groups.lock(session, self.group_id)
            if row.status is group.Status.FAILING_OVER:
                before = documents.in_force(session, self.group_id).document
                if documents.prepared(session, self.group_id) and not accept:
                    groups.advance(session, row, Event.RETURN_TO_ACTIVE)
                    groups.unsynced(row, Status.BLOCKED, "begun and not finished")
                    self.failing_over.pop(site.name)
                    return
                if not accept:
                    self.nothing_is_left_behind(site, before)
                edit.commit_local(session, failed_over(before, site.name))
        edit.deliver(site.sessions, self.wires[site.name], self.group_id)

    def force(self, site: Site, direction: Direction | None) -> None:
        wire = self.wires[site.name]
        with site.editors.editing(self.group_id) as editor:
            if direction:
                force.settle(site.sessions, wire, self.group_id, editor, direction)
            else:
                guards.must_not_be_superseded(self.row(site), site.name)
                edit.deliver(site.sessions, wire, self.group_id)

    # -- what happens -------------------------------------------------------------------------

    @rule(name=SITES, fuse=FUSES, other_fuse=FUSES, data=st.data())
    def a_tenant_changes_the_group(self, name: str, fuse: Any, other_fuse: Any, data: Any) -> None:
        self.under_fire(name, fuse, other_fuse, data, self.edit)

    @rule(name=SITES, fuse=FUSES, other_fuse=FUSES, data=st.data())
    def an_engine_looks_after_it(self, name: str, fuse: Any, other_fuse: Any, data: Any) -> None:
        self.under_fire(name, fuse, other_fuse, data, self.upkeep)

    @rule(name=SITES, accept=st.booleans(), fuse=FUSES, other_fuse=FUSES, data=st.data())
    def a_tenant_fails_over(
        self, name: str, accept: bool, fuse: Any, other_fuse: Any, data: Any
    ) -> None:
        def work(site: Site) -> None:
            self.fail_over(site, accept=accept)

        self.under_fire(name, fuse, other_fuse, data, work)

    @rule(
        name=SITES,
        direction=st.sampled_from([None, None, *Direction]),
        fuse=FUSES,
        other_fuse=FUSES,
        data=st.data(),
    )
    def a_tenant_forces(
        self, name: str, direction: Direction | None, fuse: Any, other_fuse: Any, data: Any
    ) -> None:
        self.under_fire(name, fuse, other_fuse, data, lambda site: self.force(site, direction))

    @rule(messages=st.integers(0, 5), accept=st.booleans())
    def a_disaster_strikes_during_a_change(self, messages: int, accept: bool) -> None:
        """The sites are cut off from each other, and the one that is left takes over."""
        for site, other in zip(self.sites.values(), reversed(self.sites.values()), strict=True):
            if self.row(site).current_primary_site == site.name:
                passing = itertools.repeat(DELIVERED, messages)
                self.network.fate = lambda passing=passing: next(passing, LOST)
                self.attempt(site, self.edit)
                self.attempt(other, lambda at: self.fail_over(at, accept=accept))
        self.network.fate = lambda: DELIVERED

    @rule(parted=st.booleans())
    def the_network_parts_or_heals(self, parted: bool) -> None:
        self.network.parted = parted

    @precondition(lambda self: self.network.late)
    @rule(data=st.data())
    def a_late_message_arrives(self, data: Any) -> None:
        self.arrive(data.draw(st.integers(0, len(self.network.late) - 1)))

    @rule(name=SITES)
    def a_site_dies(self, name: str) -> None:
        self.sites[name].alive = False

    @rule(name=SITES, data=st.data())
    def a_site_starts(self, name: str, data: Any) -> None:
        self.start(self.sites[name])

    @rule(name=SITES)
    def a_database_is_backed_up(self, name: str) -> None:
        self.copies[name] = self.sites[name].copy()

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def a_database_is_restored(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.copies)))
        if name not in self.failing_over:
            site = self.sites[name]
            site.restore(self.copies[name])
            self.start(site)
            self.restored = True

    # -- what must hold -----------------------------------------------------------------------

    @invariant()
    def one_version_is_in_force(self) -> None:
        for site in self.sites.values():
            with site.plain.begin() as session:
                standings = [row.standing for row in history(session, self.group_id)]
            assert standings.count(documents.CURRENT) <= 1
            assert standings.count(documents.PREPARED) <= 1

    @invariant()
    def sites_that_both_say_synced_have_the_same(self) -> None:
        if self.group_id and not self.restored:
            rows = [self.row(site) for site in self.sites.values()]
            if all(row.remote_sync_status is Status.SYNCED for row in rows):
                a, b = (self.checksum(site) for site in self.sites.values())
                assert a == b

    @invariant()
    def a_site_that_says_synced_has_told_the_other(self) -> None:
        if self.group_id and not self.restored:
            for site, other in zip(self.sites.values(), reversed(self.sites.values()), strict=True):
                if self.row(site).remote_sync_status is Status.SYNCED:
                    with other.plain.begin() as session:
                        told = documents.precedes(session, self.group_id, self.checksum(site))
                    assert told, self.picture()

    @invariant()
    def what_is_in_force_on_one_site_is_begun_on_the_other(self) -> None:
        """So neither can fail over without knowing of it."""
        if self.group_id and not self.restored:
            heads = {site.name: self.document(site) for site in self.sites.values()}
            older, newer = sorted(self.sites.values(), key=lambda site: heads[site.name].version)
            if heads[older.name].epoch == heads[newer.name].epoch:
                with older.plain.begin() as session:
                    known = documents.find(session, self.group_id, self.checksum(newer))
                assert known, self.picture()

    def teardown(self) -> None:
        try:
            if self.group_id:
                self.heal()
                self.all_agree_or_say_that_they_do_not()
                self.nothing_was_lost()
        finally:
            for site in self.sites.values():
                site.close()

    def heal(self) -> None:
        """The network is whole, late messages arrive, the sites run, and their engines work."""
        self.network.parted = False
        self.network.fate, self.network.meanwhile = lambda: DELIVERED, lambda: None
        while self.network.late:
            self.arrive(0)
            self.sites_that_both_say_synced_have_the_same()
            self.what_is_in_force_on_one_site_is_begun_on_the_other()
        for site in self.sites.values():
            self.start(site)
        self.work()

    def work(self) -> None:
        for _ in range(ROUNDS):
            for site in self.sites.values():
                self.upkeep(site)

    def all_agree_or_say_that_they_do_not(self) -> None:
        if not self.agree():
            self.be_told()
            self.settle()
        assert self.agree(), self.picture()
        for site in self.sites.values():
            with site.plain.begin() as session:
                assert documents.prepared(session, self.group_id) is None

    def be_told(self) -> None:
        """What is not synchronized by itself is shown as such on both sites."""
        older, newer = sorted(map(self.document, self.sites.values()), key=lambda one: one.epoch)
        left_behind = older.mappings.networks.keys() - newer.mappings.networks.keys()
        if older.epoch < newer.epoch and left_behind and not self.restored:
            statuses = {self.row(site).remote_sync_status for site in self.sites.values()}
            assert statuses == {Status.BLOCKED}, self.picture()
        for site in self.sites.values():
            row = self.row(site)
            assert row.remote_sync_status in (Status.OUT_OF_SYNC, Status.BLOCKED, Status.PENDING), (
                self.picture()
            )
            if row.superseded:
                with pytest.raises(errors.GroupSuperseded):
                    self.edit(site)

    def settle(self) -> None:
        """A person synchronizes; and where that is a conflict, says whose version holds."""
        refusals = [self.refusal(site) for site in self.sites.values()]
        if all(refusals):
            assert any(isinstance(one, errors.DocumentConflict) for one in refusals), refusals
            assert Status.BLOCKED in {
                self.row(site).remote_sync_status for site in self.sites.values()
            }, self.picture()
            heads = {self.checksum(site) for site in self.sites.values()}
            newest = max(self.document(site).version for site in self.sites.values())
            # Whichever site is asked, and whosever version is to hold.
            asked = self.sites[("site-a", "site-b")[self.count % 2]]
            self.force(asked, list(Direction)[self.count // 2 % 2])
            assert all(self.document(s).version == newest + 1 for s in self.sites.values())
            assert self.kept(*heads), self.picture()
        self.work()

    def refusal(self, site: Site) -> errors.ProtectorError | None:
        try:
            self.force(site, None)
        except errors.ProtectorError as refusal:
            return refusal
        return None

    def nothing_is_left_behind(self, site: Site, before: Document) -> None:
        """What a site put in force by an edit, the other has begun: it cannot fail over unaware."""
        (other,) = (one for one in self.sites.values() if one is not site)
        theirs = self.document(other)
        if theirs.epoch == before.epoch and not self.restored:
            assert theirs.mappings.networks.keys() <= before.mappings.networks.keys()

    def nothing_was_lost(self) -> None:
        if self.restored:
            return
        held = set(self.document(self.sites["site-a"]).mappings.networks)
        for site in self.sites.values():
            with site.plain.begin() as session:
                for row in history(session, self.group_id):
                    if row.standing in (documents.OVERWRITTEN, documents.ABANDONED):
                        held |= set(row.document.mappings.networks)
        assert self.tokens <= held, self.picture()

    # -- inside -------------------------------------------------------------------------------

    def under_fire(
        self, name: str, fuse: Any, other_fuse: Any, data: Any, work: Callable[[Site], None]
    ) -> None:
        site = self.sites[name]
        (other,) = (one for one in self.sites.values() if one is not site)
        site.fuse, other.fuse = fuse, other_fuse
        self.network.fate = lambda: data.draw(FATES)
        self.network.meanwhile = lambda: self.meanwhile(site, other, data)
        self.attempt(site, work)
        site.fuse = other.fuse = None
        self.network.fate, self.network.meanwhile = lambda: DELIVERED, lambda: None

    def meanwhile(self, site: Site, other: Site, data: Any) -> None:
        if self.depth:
            return
        self.depth += 1
        match data.draw(MEANWHILE):
            case "upkeep":
                self.attempt(other, self.upkeep)
            case "failover":
                self.attempt(other, lambda at: self.fail_over(at, accept=False))
            case "late" if self.network.late:
                self.arrive(0)
            case "edit":
                self.attempt(site, self.edit)
        self.depth -= 1

    def attempt(self, site: Site, work: Callable[[Site], None]) -> None:
        with contextlib.suppress(errors.ProtectorError, Killed):
            work(site)
        if self.failing_over.get(site.name) is not None and site.alive:
            with site.plain.begin() as session:
                if groups.get(session, self.group_id).status is not group.Status.FAILING_OVER:
                    self.failing_over.pop(site.name)

    def arrive(self, index: int) -> None:
        with contextlib.suppress(errors.ProtectorError, Killed):
            self.network.late.pop(index)()

    def start(self, site: Site) -> None:
        site.start()
        site.editors.forget_dead()
        if site.name in self.failing_over:
            self.attempt(site, self.go_on)
        self.attempt(site, self.upkeep)

    def row(self, site: Site) -> ProtectionGroup:
        with site.plain.begin() as session:
            return groups.get(session, self.group_id)

    def document(self, site: Site) -> Document:
        with site.plain.begin() as session:
            return documents.in_force(session, self.group_id).document

    def checksum(self, site: Site) -> str:
        with site.plain.begin() as session:
            return documents.in_force(session, self.group_id).checksum

    def agree(self) -> bool:
        rows = [self.row(site) for site in self.sites.values()]
        synced = all(row.remote_sync_status is Status.SYNCED for row in rows)
        return synced and len({self.checksum(site) for site in self.sites.values()}) == 1

    def kept(self, *checksums: str) -> bool:
        found: set[str] = set()
        for site in self.sites.values():
            with site.plain.begin() as session:
                found |= {row.checksum for row in history(session, self.group_id)}
        return set(checksums) <= found

    def picture(self) -> str:
        lines = []
        for site in self.sites.values():
            row = self.row(site)
            lines.append(
                f"{site.name}: {row.status} {row.current_primary_site} {row.remote_sync_status}"
                f" remote {row.remote_epoch}/{row.remote_version} editor {row.editor}:"
                f" {row.sync_error}"
            )
            with site.plain.begin() as session:
                for one in history(session, self.group_id):
                    lines.append(
                        f"    {one.epoch}/{one.version} {one.standing} {one.checksum[:8]}"
                        f" by {one.document.site} {sorted(one.document.mappings.networks)}"
                        f" acknowledged {one.acknowledged}"
                    )
        return "\n".join(lines)


def first(row: ProtectionGroup) -> Document:
    return Document(
        epoch=0,
        version=1,
        site="site-a",
        modified_at=moment(),
        group_id=row.id,
        name=row.name,
        description="",
        replication_type="async",
        primary_site="site-a",
        secondary_site="site-b",
        current_primary_site="site-a",
        status="active",
        failover_count=0,
        last_failover_at=None,
        projects=PROJECTS,
        policy=Policy(rpo_minutes=15, replication_interval=300),
        mappings=Mappings(networks={}, flavors={}),
        consistency_group=None,
        members=[],
    )


def failed_over(before: Document, site: str) -> Document:
    return before.following(
        site,
        epoch=before.epoch + 1,
        current_primary_site=site,
        status="failed_over",
        failover_count=before.failover_count + 1,
    )


def history(session: Session, group_id: str) -> list[RecoveryDocument]:
    return list(documents.history(session, group_id))


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on "meanwhile" is called, so it would be waited for in vain."""
    monkeypatch.setattr(editing, "PATIENCE", 0)


EXAMPLES = int(os.environ.get("PROTECTOR_SOAK_EXAMPLES", "60"))
TwoSites.TestCase.settings = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
TestTwoSites = TwoSites.TestCase
