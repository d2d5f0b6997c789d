# SPDX-License-Identifier: Apache-2.0
"""A group fails back onto its original volumes and VMs; what goes wrong before is undone."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from functional.engine.world import Killed, World, context

from protector import errors
from protector.cloud.base import Outcome, ServerRequest
from protector.cloud.fake import FakeServiceCloud
from protector.db.models import Operation
from protector.domain.operation import Kind
from protector.engine.steps import failback as steps
from protector.engine.steps import handover, storage
from protector.engine.steps.originals import ReturnVm
from protector.engine.sweeps.copies import Copies
from protector.engine.sweeps.fencing import Fencing
from protector.engine.sweeps.safety import Safety
from protector.sync.exchange import exchange

VMS = ("web1", "db1")
STEPS = {
    "validate_target_site": steps.ValidateReturn,
    "stop_source_vms": handover.StopSourceVms,
    "take_last_snapshot": handover.TakeLastSnapshot,
    "wait_for_last_snapshot": steps.WaitForTheirLastSnapshot,
    "save_originals": steps.SaveOriginals,
    "overwrite_originals": steps.OverwriteOriginals,
    "promote_volumes_from_snapshot": storage.PromoteVolumesFromSnapshot,
    "manage_volumes_into_cinder": storage.ManageVolumesIntoCinder,
    "recreate_vm_web1": ReturnVm,
    "finalization": steps.Return,
    "resume_replication": steps.ResumeReplication,
    "remove_copies": steps.RemoveCopies,
}
BEFORE_ROLES = list(STEPS)[: list(STEPS).index("finalization")]


@pytest.fixture
def away(world: World) -> World:
    """The group was failed over to site-b, is protected by site-a, and has been written to."""
    world.protect(*VMS)
    for name in VMS:
        write(world, "a", name, "before the disaster")
    world.take_point()
    fail_over_and_reprotect(world)
    for name in VMS:
        write(world, "b", name, "written on site-b")
    return world


def fail_over_and_reprotect(world: World) -> None:
    world.lose_a()
    assert world.fail_over().status == "completed"
    world.return_of_a()
    completed(world.do(world.b, Kind.REPROTECT))


def fail_back(world: World) -> Operation:
    operation = world.do(world.a, Kind.FAILBACK)
    Fencing(world.a.equipment).look()  # as every few seconds
    return operation


def completed(operation: Operation) -> Operation:
    assert operation.error_message is None
    assert operation.status == "completed"
    return operation


def failed(operation: Operation) -> str:
    assert operation.status == "failed"
    return operation.error_message or ""


def member_of(world: World, site: str, name: str) -> Any:
    """Return a server as it is on a site now, by its name."""
    where = getattr(world, site)
    return where.cloud.as_service().describe_server(f"project-{site}", name).member


def write(world: World, site: str, name: str, text: str) -> None:
    for volume in member_of(world, site, name).volumes:
        getattr(world, site).array.write(volume.array_volume, text)


def read(world: World, site: str, name: str) -> set[str]:
    volumes = member_of(world, site, name).volumes
    return {getattr(world, site).array.read(volume.array_volume) for volume in volumes}


def originals(world: World) -> dict[str, Any]:
    """Return id -> server, of what was on site-a before all."""
    return {id: facts.member for id, (_, facts) in world.a.cloud.servers.items()}


def runs(world: World, site: str) -> dict[str, str]:
    """Return name -> status of all VMs of a site."""
    seen = getattr(world, site).cloud.as_service().look(f"project-{site}")
    return {glance.name: glance.status for glance in seen.values()}


@pytest.fixture
def busy_nova(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Nova was first asked for, and could not do then: to stop servers, and to start some."""
    refused: list[str] = []

    def once(name: str) -> None:
        switch = getattr(FakeServiceCloud, name)

        def busy(cloud: FakeServiceCloud, ids: Sequence[str]) -> list[Outcome]:
            if name in refused or not ids:
                return list(switch(cloud, ids))
            refused.append(name)
            return [Outcome(id, None, "HTTP 503", passing=True) for id in ids]

        monkeypatch.setattr(FakeServiceCloud, name, busy)

    once("stop_servers")
    once("start_servers")
    return refused


def is_home(world: World) -> None:
    """Both sites have it that the group is site-a's, and nothing of it is left on site-b."""
    for site in (world.a, world.b):
        document = world.document(site)
        assert (document.status, document.current_primary_site) == ("active", "site-a")
        assert (document.standby, document.standby_group) == ([], None)
    assert world.document(world.a) == world.document(world.b)
    assert world.leftovers() == []
    assert world.b.cloud.volume_groups == {}


def is_away_as_before(world: World) -> None:
    """Nothing has changed: the VMs run on site-b, and the originals are as they were."""
    assert world.a.group(world.group_id).status == "failed_over"
    assert world.group.status == "failed_over"
    assert runs(world, "b") == dict.fromkeys(VMS, "ACTIVE")
    assert runs(world, "a") == dict.fromkeys(VMS, "SHUTOFF")
    for name in VMS:
        assert read(world, "a", name) == {"before the disaster"}
    assert world.a.cloud.made_servers == {}
    assert world.a.cloud.made_volumes == {}
    names = {volume.name for volume in world.a.array.volumes.values()}
    assert not {name for name in names if name.startswith("protector-")}


# -- as it should be -------------------------------------------------------------------------------


def test_the_originals_run_again_with_what_was_written_meanwhile(away: World) -> None:
    before = originals(away)
    operation = completed(fail_back(away))
    assert operation.progress == 100
    assert originals(away) == before
    assert runs(away, "a") == dict.fromkeys(VMS, "ACTIVE")
    for name in VMS:
        assert read(away, "a", name) == {"written on site-b"}
    is_home(away)


def test_what_nova_cannot_do_at_once_is_asked_for_again(away: World, busy_nova: list[str]) -> None:
    for site in (away.a, away.b):
        site.conf.set_override("step_budget", 20, group="engine")
    completed(fail_back(away))
    assert busy_nova == ["stop_servers", "start_servers"]
    assert runs(away, "a") == dict.fromkeys(VMS, "ACTIVE")
    is_home(away)


def test_the_group_is_what_it_was_and_its_replication_goes_on(away: World) -> None:
    chain = away.document(away.b).standby_group
    completed(fail_back(away))
    document = away.document(away.a)
    assert {one.name: one.server_id for one in document.members} == {
        one.name: id for id, one in originals(away).items()
    }
    assert document.epoch == 2
    assert document.consistency_group == chain
    assert chain is not None
    replication = away.a.array.replication(chain.array_group)
    assert replication is not None
    assert (replication.enabled, replication.allowed) == (True, True)
    (web,) = [one for one in away.a.cloud.networks if one.name == "web"]
    (dr_web,) = [one for one in away.b.cloud.networks if one.name == "dr-web"]
    assert document.mappings.networks == {"web": "dr-web", "db": "dr-db", web.id: dr_web.id}


def test_what_the_originals_held_is_kept_for_a_while(away: World) -> None:
    completed(fail_back(away))
    volumes = [v for one in originals(away).values() for v in one.volumes]
    for volume in volumes:
        on_array = away.a.array.volume(volume.array_volume)
        assert on_array is not None
        away.a.array.restore(on_array.id, key="e1")
    assert read(away, "a", "web1") == {"before the disaster"}


def test_and_removed_once_it_is_old(away: World) -> None:
    completed(fail_back(away))
    volumes = [v for one in originals(away).values() for v in one.volumes]
    Safety(away.a.equipment).look()
    assert len(away.a.array.saved()) == len(volumes)
    away.a.conf.set_override("safety_retention", 1, group="flasharray")
    away.a.array.age_saved(seconds=2)
    Safety(away.a.equipment).look()
    assert away.a.array.saved() == []


def test_there_and_back_three_times(away: World) -> None:
    before = originals(away)
    completed(fail_back(away))
    for turn in range(2):
        write(away, "a", "web1", f"at home {turn}")
        away.take_point()
        fail_over_and_reprotect(away)
        assert read(away, "b", "web1") == {f"at home {turn}"}
        write(away, "b", "web1", f"away {turn}")
        completed(fail_back(away))
        assert read(away, "a", "web1") == {f"away {turn}"}
        assert originals(away) == before
        is_home(away)


def test_a_site_that_was_lost_again_removes_nothing_of_its_own(away: World) -> None:
    completed(fail_back(away))
    away.take_point()
    fail_over_and_reprotect(away)
    completed(fail_back(away))
    away.take_point()
    before, chains = originals(away), dict(away.a.cloud.volume_groups)
    away.lose_a()
    assert away.fail_over().status == "completed"
    away.a.array.down = False
    # It has heard where the group runs, and has no newer document yet.
    exchange(away.a.sessions, away.a.peer, "site-a")
    assert away.a.group(away.group_id).superseded
    Copies(away.a.equipment).look()
    assert originals(away) == before
    assert away.a.cloud.volume_groups == chains != {}


# -- what is not as it was -------------------------------------------------------------------------


def test_an_original_that_is_gone_is_made_anew_around_its_volumes(away: World) -> None:
    (web1,) = [one for one in originals(away).values() if one.name == "web1"]
    away.a.cloud.delete_server(web1.server_id)
    completed(fail_back(away))
    assert len(away.a.cloud.made_servers) == 1
    again = member_of(away, "a", "web1")
    assert [volume.id for volume in again.volumes] == [volume.id for volume in web1.volumes]
    assert [nic.port_id for nic in again.nics] == [nic.port_id for nic in web1.nics]
    assert [nic.fixed_addresses for nic in again.nics] == [n.fixed_addresses for n in web1.nics]
    assert again.flavor == web1.flavor
    assert read(away, "a", "web1") == {"written on site-b"}
    is_home(away)


def test_a_volume_that_was_attached_meanwhile_comes_along(away: World) -> None:
    """The original has no such volume, so it is made anew with all."""
    made = next(one for one in away.b.cloud.made_servers.values() if one.server.name == "web1")
    disk = away.b.cloud.attach_to_made(made)
    away.b.array.write(disk.array_volume, "new disk")
    away.b.capture()
    completed(fail_back(away))
    again = member_of(away, "a", "web1")
    assert len(again.volumes) == 3
    assert read(away, "a", "web1") == {"written on site-b", "new disk"}
    chain = away.document(away.a).consistency_group
    assert chain is not None
    replication = away.a.array.replication(chain.array_group)
    assert replication is not None
    assert {volume.array_volume for volume in again.volumes} <= replication.volumes


def test_a_vm_that_joined_meanwhile_is_made(away: World) -> None:
    facts = away.b.cloud.add_server("project-b", "new1", networks=["dr-web"], flavor="dr.small")
    away.b.edits.add_member(context(), away.group_id, "new1")
    away.b.array.write(facts.member.volumes[0].array_volume, "of new1")
    completed(fail_back(away))
    assert read(away, "a", "new1") == {"of new1"}
    assert [one.name for one in away.document(away.a).members] == [*VMS, "new1"]
    # It was there before Protector came, and stays, stopped.
    assert runs(away, "b") == {"new1": "SHUTOFF"}


def test_once_the_originals_are_released_all_is_made_anew(away: World) -> None:
    released = originals(away)
    away.b.edits.release(away.group_id)
    completed(fail_back(away))
    assert runs(away, "a") == dict.fromkeys(VMS, "ACTIVE")
    made = {one.server.id for one in away.a.cloud.made_servers.values()}
    assert {one.server_id for one in away.document(away.a).members} == made
    assert originals(away) == released
    for member in released.values():
        assert away.a.cloud.status(member.server_id) == "SHUTOFF"
        for volume in member.volumes:
            assert away.a.array.read(volume.array_volume) == "before the disaster"
    is_home(away)


def test_what_never_came_up_there_is_started_as_it_is(world: World) -> None:
    world.protect(*VMS)
    for name in VMS:
        write(world, "a", name, "before the disaster")
    world.take_point()
    world.lose_a()
    world.b.cloud.faults.set("recreate_server", refuse_db1)
    failed(world.fail_over())
    world.b.cloud.faults.clear()
    world.return_of_a()
    completed(world.do(world.b, Kind.REPROTECT))
    write(world, "b", "web1", "written on site-b")
    completed(fail_back(world))
    assert runs(world, "a") == dict.fromkeys(VMS, "ACTIVE")
    assert read(world, "a", "web1") == {"written on site-b"}
    assert read(world, "a", "db1") == {"before the disaster"}
    assert [one.name for one in world.document(world.a).members] == list(VMS)
    is_home(world)


# -- what stands in the way ------------------------------------------------------------------------


def test_an_original_that_runs_is_not_overwritten(away: World) -> None:
    (web1,) = [one for one in originals(away).values() if one.name == "web1"]
    away.a.cloud.power_on(web1.server_id)
    said = failed(fail_back(away))
    assert f"openstack server stop {web1.server_id}" in said
    assert runs(away, "b") == dict.fromkeys(VMS, "ACTIVE")
    assert read(away, "a", "web1") == {"before the disaster"}


def test_all_volumes_of_another_size_are_named_at_once(away: World) -> None:
    ids = []
    for name in VMS:
        volume = member_of(away, "a", name).volumes[0]
        away.a.array.resize(volume.array_volume, 2)
        ids.append(volume.id)
    said = failed(fail_back(away))
    for id in ids:
        assert f"its original {id} 2 GiB" in said
    assert runs(away, "b") == dict.fromkeys(VMS, "ACTIVE")


def test_nothing_begins_while_the_other_site_is_away(away: World) -> None:
    away.a.peer.down = True
    said = failed(fail_back(away))
    assert "site-b cannot be reached" in said
    away.a.peer.down = False
    is_away_as_before(away)


# -- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", BEFORE_ROLES)
def test_a_fault_before_the_roles_change_undoes_it_all(
    away: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def break_down() -> None:
        raise errors.StorageError(array="array-a", reason="it burns")

    with monkeypatch.context() as patch:
        at(patch, STEPS[step], "after", break_down)
        said = failed(fail_back(away))
    assert "it burns" in said
    is_away_as_before(away)
    completed(fail_back(away))
    is_home(away)


def test_a_vm_that_does_not_start_undoes_it_all(away: World) -> None:
    away.a.cloud.faults.set(
        "start_servers", errors.CloudError(service="Nova", site="site-a", reason="No valid host")
    )
    assert "No valid host" in failed(fail_back(away))
    away.a.cloud.faults.clear()
    is_away_as_before(away)


def test_replication_that_cannot_be_resumed_now_is_by_and_by(away: World) -> None:
    away.a.array.faults.set(
        "replicate", errors.StorageError(array="array-a", reason="not now"), times=1
    )
    operation = completed(fail_back(away))
    assert "not now" in (away.a.steps(operation.id)["resume_replication"].detail or "")
    is_home(away)


@pytest.mark.parametrize("method", ["remove_server", "delete_volume_group", "remove_volumes"])
@pytest.mark.parametrize("after", [False, True])
def test_copies_that_cannot_be_removed_now_are_later(away: World, method: str, after: bool) -> None:
    fault = errors.CloudUnavailable(service="Cinder", site="site-b", reason="Gateway timeout")
    away.b.cloud.faults.set(method, fault, after=after, times=1)
    completed(fail_back(away))
    is_home(away)


def test_volumes_with_which_something_is_wrong_stay_and_hold_nothing_up(away: World) -> None:
    away.a.conf.set_override("standstill_timeout", 0.2, group="engine")
    away.b.cloud.faults.set(
        "remove_volumes",
        errors.CloudError(service="Cinder", site="site-b", reason="it has snapshots"),
    )
    operation = completed(fail_back(away))
    assert "site-b goes on with it" in (away.a.steps(operation.id)["remove_copies"].detail or "")
    away.b.cloud.faults.clear()
    Copies(away.b.equipment).look()
    is_home(away)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_engine_may_die_at_any_step(
    away: World, monkeypatch: pytest.MonkeyPatch, step: str, moment: str
) -> None:
    def die() -> None:
        raise Killed

    before = originals(away)
    operation_id = away.ask(away.a, Kind.FAILBACK)
    with monkeypatch.context() as patch:
        at(patch, STEPS[step], moment, die)
        with pytest.raises(Killed):
            away.a.run(operation_id)
    away.a.restart()
    completed(away.a.operation(operation_id))
    assert originals(away) == before
    for name in VMS:
        assert read(away, "a", name) == {"written on site-b"}
    is_home(away)


def test_an_engine_that_was_held_up_overwrites_nothing_any_more(
    away: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked whether the operation was its own, and slept; when it wakes up, a VM runs."""
    late: list[Callable[[], None]] = []
    real = away.a.array.overwrite

    def sleep(volume_id: str, *, source: str) -> None:
        late.append(functools.partial(real, volume_id, source=source))
        raise Killed

    operation_id = away.ask(away.a, Kind.FAILBACK)
    with monkeypatch.context() as patch:
        patch.setattr(away.a.array, "overwrite", sleep)
        with pytest.raises(Killed):
            away.a.run(operation_id)
    away.a.restart()
    completed(away.a.operation(operation_id))
    write(away, "a", "web1", "written at home")
    write(away, "a", "db1", "written at home")
    with pytest.raises(errors.StorageError):
        late[0]()
    assert read(away, "a", "web1") == read(away, "a", "db1") == {"written at home"}


# -- how ------------------------------------------------------------------------------------------


def refuse_db1(request: ServerRequest) -> None:
    if request.name == "db1":
        raise errors.CloudError(service="Nova", site="site-b", reason="No valid host")


def at(
    patch: pytest.MonkeyPatch, step: type[Any], moment: str, happens: Callable[[], None]
) -> None:
    """Let something happen right before or right after the effect of a step."""
    real = step.execute

    @functools.wraps(real)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            happens()
        real(self, *args, **kwargs)
        happens()

    patch.setattr(step, "execute", execute)
