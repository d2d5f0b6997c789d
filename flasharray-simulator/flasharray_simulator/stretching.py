# SPDX-License-Identifier: Apache-2.0
"""What stretched pods do by themselves: resync, contest for the mediator, find together again.

While its two arrays reach each other, a pod is online on both. When they do not, both hold its
writes for a moment, then one goes on: whoever reaches the mediator, the one the pod's preferences
name first before the other, or, if the mediator had been out of reach before, the one that was
elected then. The other side is offline, and keeps what it had. It is resynced once they are
connected again.
"""

from collections.abc import Iterator

from sqlalchemy import func, select

from flasharray_simulator import copying, lifecycle
from flasharray_simulator.model import content
from flasharray_simulator.model.pods import Gone, Pod, PodSide
from flasharray_simulator.model.tables import Connection, Host, Volume
from flasharray_simulator.world import World


def settle(world: World) -> None:
    """Bring every stretched pod into the state that its arrays, link and mediator give it."""
    for pod in _stretched(world):
        if connected(world, pod):
            _meet(world, pod)
        else:
            _contest(world, pod)
    world.session.flush()


def moving(world: World) -> list[PodSide]:
    """Return the sides that are being resynced."""
    sides = [side for pod in _stretched(world) for side in pod.sides]
    return [side for side in sides if side.status == "resyncing"]


def coming(world: World) -> Iterator[int]:
    """Return the moments at which a contest is decided."""
    for pod in _stretched(world):
        if pod.contested_at is not None and _decided_at(world, pod) > world.now:
            yield _decided_at(world, pod)


def connected(world: World, pod: Pod) -> bool:
    """Whether the pod's arrays reach each other."""
    arrays = [side.array for side in pod.sides]
    return len(arrays) == 1 or world.carries(world.link(*arrays))


def stretch(world: World, pod: Pod, array: str) -> None:
    """Let another array have the pod; if it had it before, only what is new is sent."""
    side = PodSide(array=array, number=pod.sides[-1].number + 1, in_sync=False, frozen={})
    remains = [p for p in world.all(Pod, array) if p.remains_of == pod.id]
    for old in remains:
        side.frozen = contents(world, old)
        lifecycle.eradicate(world, old)
    pod.sides.append(side)
    settle(world)


def unstretch(world: World, pod: Pod, array: str) -> None:
    """Take the pod from an array, which keeps a destroyed copy of what it had."""
    gone = pod.side(array)
    gone.frozen, gone.frozen_at = _held(world, gone), gone.frozen_at or world.now
    gone.gone = Gone.REMOVED
    for side in pod.sides:
        side.status, side.in_sync = ("online", True) if side.array != array else ("offline", False)
    pod.contested_at = None
    settle(world)


def leave(world: World, pod: Pod, array: str) -> Pod:
    """Let an array whose side is offline go on with what it has, whatever the other one does."""
    side = pod.side(array)
    side.gone = side.gone or Gone.LEFT
    world.session.flush()
    alone = copying.copy(
        world,
        pod,
        array,
        pod.name,
        contents=_held(world, side),
        keep=True,
        until=side.frozen_at,
    )
    _reconnect_hosts(world, pod, alone, array)
    if side.gone == Gone.REMOVED:
        pod.sides.remove(side)
    world.session.flush()
    return alone


def contents(world: World, pod: Pod) -> dict[str, content.Content]:
    """Return what is on the pod's volumes: serial -> content."""
    return {volume.serial: volume.content for volume in world.inside(Volume, pod)}


# -- while the arrays reach each other ------------------------------------------------------------


def _meet(world: World, pod: Pod) -> None:
    if any(side.gone for side in pod.sides):
        _part(world, pod)
        return
    pod.contested_at = None
    for side in pod.sides:
        if side.in_sync:
            side.status, side.frozen_at = "online", None
        elif side.status != "resyncing":
            side.status, side.done, side.total = "resyncing", 0.0, _missing(world, pod, side)
        if side.status == "resyncing" and side.done >= side.total:
            side.status, side.in_sync, side.frozen, side.frozen_at = "online", True, {}, None
    _elect(world, pod)


def _part(world: World, pod: Pod) -> None:
    """Let both arrays know which of them has left; one that was removed keeps what it had."""
    gone = next(side for side in pod.sides if side.gone)
    if gone.gone == Gone.REMOVED:
        name = _free_name(world, gone.array, f"{pod.name}.restretch")
        held, then = _held(world, gone), gone.frozen_at
        remains = copying.copy(world, pod, gone.array, name, contents=held, keep=True, until=then)
        remains.remains_of = pod.id
        lifecycle.set_destroyed(world, remains, True)
        for connection in _connections(world, pod, gone.array):
            world.session.delete(connection)
    pod.sides.remove(gone)
    (left,) = pod.sides
    left.status, left.in_sync, left.frozen, left.frozen_at = "online", True, {}, None
    left.pre_elected, pod.contested_at = False, None
    world.session.flush()
    world.session.expire_all()


def _elect(world: World, pod: Pod) -> None:
    """While no array reaches the mediator, it is settled beforehand who would go on."""
    lost = not any(world.array(side.array).mediator for side in pod.sides)
    chosen = min(pod.sides, key=_rank) if lost and all(s.in_sync for s in pod.sides) else None
    if chosen is None or not any(side.pre_elected for side in pod.sides):
        for side in pod.sides:
            side.pre_elected = side is chosen


# -- while they do not ----------------------------------------------------------------------------


def _contest(world: World, pod: Pod) -> None:
    in_sync = [side for side in pod.sides if side.in_sync]
    for side in pod.sides:
        if not side.in_sync:
            side.status = "offline"
    if len(in_sync) == 1:
        in_sync[0].status, pod.contested_at = "online", None
        return
    if pod.contested_at is None:
        pod.contested_at = world.now
        for side in in_sync:
            side.status = "suspended"
    if world.now >= _decided_at(world, pod):
        _decide(world, pod)


def _decided_at(world: World, pod: Pod) -> int:
    assert pod.contested_at is not None
    return pod.contested_at + int(world.settings.replication.suspension * 1000)


def _decide(world: World, pod: Pod) -> None:
    """Let the winner go on; without one both sides are offline, and neither is behind."""
    winner = _winner(world, pod)
    for side in pod.sides:
        if side is winner:
            side.status, side.frozen_at = "online", None
        else:
            side.status, side.frozen_at = "offline", pod.contested_at
            if winner:
                side.in_sync, side.frozen = False, contents(world, pod)
    if winner:
        pod.contested_at = None


def _winner(world: World, pod: Pod) -> PodSide | None:
    able = [s for s in pod.sides if world.array(s.array).up and s.gone != Gone.LEFT]
    reaching = [side for side in able if world.array(side.array).mediator]
    if reaching:
        return min(reaching, key=_rank)
    return next((side for side in able if side.pre_elected), None)


def _rank(side: PodSide) -> tuple[bool, int, int]:
    """The preferred array first, then the one that has the pod for longer."""
    preferences = [name.lower() for name in side.pod.preferences]
    named = side.array.lower() in preferences
    return (not named, preferences.index(side.array.lower()) if named else 0, side.number)


# -- inside ---------------------------------------------------------------------------------------


def _stretched(world: World) -> list[Pod]:
    several = select(PodSide.pod_id).group_by(PodSide.pod_id).having(func.count() > 1)
    return list(world.session.scalars(select(Pod).where(Pod.id.in_(several)).order_by(Pod.name)))


def _missing(world: World, pod: Pod, side: PodSide) -> int:
    """Return how many bytes the side lacks."""
    lacking = 0
    for volume in world.inside(Volume, pod):
        if volume.serial in side.frozen:
            lacking += content.size_since(volume.content, side.frozen[volume.serial])
        else:
            lacking += world.settings.replication.initial_bytes + content.size(volume.content)
    return lacking


def _held(world: World, side: PodSide) -> dict[str, content.Content]:
    return contents(world, side.pod) if side.in_sync else side.frozen


def _free_name(world: World, array: str, name: str) -> str:
    number, free = 1, name
    while world.get(Pod, array, free):
        number += 1
        free = f"{name}.{number}"
    return free


def _connections(world: World, pod: Pod, array: str) -> list[Connection]:
    volumes = [volume.id for volume in world.inside(Volume, pod)]
    here = select(Connection).join(Host).where(Host.place == array)
    return list(world.session.scalars(here.where(Connection.volume_id.in_(volumes))))


def _reconnect_hosts(world: World, pod: Pod, alone: Pod, array: str) -> None:
    """Give an array's hosts the volumes of the pod with which it goes on."""
    copies = {volume.serial: volume for volume in world.inside(Volume, alone)}
    for connection in _connections(world, pod, array):
        copy = copies.get(connection.volume.serial)
        if copy:
            world.session.add(Connection(host=connection.host, volume=copy, lun=connection.lun))
        world.session.delete(connection)
    world.session.flush()
