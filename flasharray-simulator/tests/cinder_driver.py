# SPDX-License-Identifier: Apache-2.0
"""Cinder's unmodified driver on a simulator, without Cinder's services and database.

A script for the Python that has Cinder: one argument, a JSON object with ``story`` (asynchronous or
synchronous), ``a``, ``b`` (addresses of the arrays), ``control`` (port) and ``folder``. It prints a
JSON object: step -> what it returned, or ``{"error": ...}``. Only look-ups in Cinder's database are
replaced.
"""

import json
import pathlib
import sys
import traceback
import uuid
from unittest import mock

from cinder import context, coordination, objects
from cinder.common import config  # noqa: F401  registers options the driver reads
from oslo_config import cfg
from pypureclient import flasharray

objects.register_all()

from cinder.volume import configuration, driver  # noqa: E402
from cinder.volume.drivers import pure  # noqa: E402

from flasharray_simulator.control import Control  # noqa: E402

CONNECTOR = {
    "initiator": "iqn.1993-08.org.debian:01:abc",
    "host": "compute1",
    "multipath": True,
    "system uuid": "0123456789abcdef0123456789abcdef",
}
CONF = """
[DEFAULT]
host = site-a
[oslo_concurrency]
lock_path = {folder}
[coordination]
backend_url = file://{folder}
[pure]
volume_backend_name = pure
san_ip = {a}
pure_api_token = token-a
replication_device = backend_id:site-b,san_ip:{b},api_token:token-b,{replication}
"""
REPLICATION = {"asynchronous": "type:async", "synchronous": "type:sync,uniform:true"}


def complete(thing):
    """Set to None what the database would have as NULL."""
    for name, field in thing.fields.items():
        if field.nullable and not thing.obj_attr_is_set(name):
            setattr(thing, name, None)
    return thing


class Cinder:
    """The driver, and what Cinder's manager would have in its database."""

    def __init__(self, given):
        folder = pathlib.Path(given["folder"])
        (folder / "cinder.conf").write_text(
            CONF.format(**given, replication=REPLICATION[given["story"]])
        )
        cfg.CONF([], project="cinder", default_config_files=[str(folder / "cinder.conf")])
        coordination.COORDINATOR.start()
        self.context = context.get_admin_context()
        self.control = Control(port=given["control"])
        self.types = {
            name: self._type(name, specs)
            for name, specs in {
                "plain": {},
                "replicated": {
                    "replication_enabled": "<is> True",
                    "replication_type": "<in> async",
                },
                "synchronous": {
                    "replication_enabled": "<is> True",
                    "replication_type": "<in> sync",
                },
                "grouped": {"flasharray:vg_name": "tenant"},
            }.items()
        }
        self.driver = self.new_driver()
        self._replace_the_database()

    def new_driver(self):
        options = configuration.Configuration(driver.volume_opts, config_group="pure")
        return pure.PureISCSIDriver(configuration=options, host="site-a@pure")

    def _type(self, name, specs):
        return complete(
            objects.VolumeType(
                self.context, id=str(uuid.uuid4()), name=name, extra_specs=specs, projects=[]
            )
        )

    def _replace_the_database(self):
        by_id = {each.id: each for each in self.types.values()}
        where = "cinder.volume.volume_types."
        replaced = {
            where + "get_volume_type": lambda _, i, **kw: {
                "id": i,
                "name": by_id[i].name,
                "extra_specs": by_id[i].extra_specs,
            },
            where + "get_volume_type_extra_specs": lambda i, **kw: by_id[i].extra_specs,
            where + "get_volume_type_qos_specs": lambda i: {"qos_specs": None},
            "cinder.objects.VolumeType.get_by_name_or_id": lambda _, i: by_id[i],
            "cinder.volume.volume_utils.is_group_a_cg_snapshot_type": lambda group: True,
            "cinder.volume.volume_utils.is_group_a_type": lambda group, key: True,
        }
        for name, function in replaced.items():
            mock.patch(name, function).start()
        lookup = mock.patch.object(pure.PureISCSIDriver, "_get_attachments")
        lookup.start().return_value = ("Data", None)

    def volume(self, kind="plain", size=1, group=None, **fields):
        return complete(
            objects.Volume(
                self.context,
                id=str(uuid.uuid4()),
                size=size,
                host="site-a@pure#pure",
                project_id="acme",
                volume_type_id=self.types[kind].id,
                volume_type=self.types[kind],
                volume_attachment=objects.VolumeAttachmentList(objects=[]),
                glance_metadata={},
                snapshots=objects.SnapshotList(objects=[]),
                admin_metadata={},
                metadata={},
                status="available",
                multiattach=False,
                group=group,
                group_id=group.id if group else None,
                consistencygroup=None,
                **fields,
            )
        )

    def created(self, kind="plain", **fields):
        volume = self.volume(kind, **fields)
        volume.provider_id = self.driver.create_volume(volume)["provider_id"]
        return volume

    def snapshot(self, volume, group_snapshot=None):
        return complete(
            objects.Snapshot(
                self.context,
                id=str(uuid.uuid4()),
                volume=volume,
                volume_id=volume.id,
                volume_size=volume.size,
                volume_type_id=volume.volume_type_id,
                metadata={},
                cgsnapshot=None,
                cgsnapshot_id=None,
                group_snapshot=group_snapshot,
                group_snapshot_id=group_snapshot.id if group_snapshot else None,
            )
        )

    def group(self, kind="replicated"):
        group = objects.Group(
            self.context,
            id=str(uuid.uuid4()),
            volume_type_ids=[self.types[kind].id],
            volume_types=objects.VolumeTypeList(objects=[self.types[kind]]),
            replication_status="enabled",
        )
        patched = mock.patch.object(
            objects.Group, "is_replicated", new_callable=mock.PropertyMock, return_value=True
        )
        patched.start()
        return complete(group)

    def markers(self, volume, array="fa-a"):
        return self.control.markers(array, volume.provider_id)


# -- the story, a step a function ------------------------------------------------------------------


def setup(cinder):
    cinder.driver.do_setup(cinder.context)
    cinder.driver.check_for_setup_error()
    cinder.driver.set_initialized()
    return cinder.driver._array.array_name


def setup_again(cinder):
    """As after a restart of Cinder: all that set-up makes is there."""
    cinder.new_driver().do_setup(cinder.context)


def stats(cinder):
    return cinder.driver.get_volume_stats(refresh=True)


def create_and_delete(cinder):
    volume = cinder.created()
    cinder.driver.delete_volume(volume)
    return volume.provider_id


def create_in_a_volume_group(cinder):
    volume = cinder.created("grouped")
    cinder.driver.delete_volume(volume)
    return volume.provider_id


def extend(cinder):
    volume = cinder.created()
    cinder.driver.extend_volume(volume, 3)
    return volume.provider_id


def attach_and_detach(cinder):
    volume = cinder.created("replicated")
    connection = cinder.driver.initialize_connection(volume, CONNECTOR)
    cinder.driver.terminate_connection(volume, CONNECTOR)
    return connection


def snapshot_and_revert(cinder):
    volume = cinder.created()
    cinder.control.write("fa-a", volume.provider_id, "before")
    snapshot = cinder.snapshot(volume)
    cinder.driver.create_snapshot(snapshot)
    cinder.control.write("fa-a", volume.provider_id, "after")
    copy = cinder.volume()
    made = cinder.driver.create_volume_from_snapshot(copy, snapshot)
    copy.provider_id = made["provider_id"]
    cinder.driver.revert_to_snapshot(cinder.context, volume, snapshot)
    cinder.driver.delete_snapshot(snapshot)
    return {"reverted": cinder.markers(volume), "copy": cinder.markers(copy)}


def clone(cinder):
    volume = cinder.created()
    cinder.control.write("fa-a", volume.provider_id, "cloned")
    bigger = cinder.volume(size=2)
    bigger.provider_id = cinder.driver.create_cloned_volume(bigger, volume)["provider_id"]
    return cinder.markers(bigger)


def unmanage_and_manage(cinder):
    volume, new = cinder.created(), cinder.volume("replicated")
    cinder.control.write("fa-a", volume.provider_id, "kept")
    cinder.driver.unmanage(volume)
    reference = {"source-name": f"{volume.provider_id}-unmanaged"}
    size = cinder.driver.manage_existing_get_size(new, reference)
    new.provider_id = cinder.driver.manage_existing(new, reference)["provider_id"]
    return {"size": size, "markers": cinder.markers(new)}


def manage_a_snapshot(cinder):
    volume = cinder.created()
    snapshot, new = cinder.snapshot(volume), cinder.snapshot(volume)
    cinder.driver.create_snapshot(snapshot)
    cinder.driver.unmanage_snapshot(snapshot)
    names = cinder.driver.get_manageable_snapshots([], None, 10, 0, ["size"], ["asc"])
    (name,) = (each["reference"]["name"] for each in names if each["safe_to_manage"])
    reference = {"source-name": name}
    size = cinder.driver.manage_existing_snapshot_get_size(new, reference)
    cinder.driver.manage_existing_snapshot(new, reference)
    return size


def manageable(cinder):
    found = cinder.driver.get_manageable_volumes([], None, 100, 0, ["size"], ["asc"])
    return len(found)


def retype(cinder):
    volume = cinder.created()
    cinder.driver.retype(
        cinder.context, volume, {"id": cinder.types["replicated"].id}, {}, volume.host
    )
    volume.volume_type = cinder.types["replicated"]
    volume.volume_type_id = cinder.types["replicated"].id
    cinder.driver.retype(cinder.context, volume, {"id": cinder.types["plain"].id}, {}, volume.host)


def group(cinder):
    group, volume = cinder.group(), cinder.created("replicated")
    created = cinder.driver.create_group(cinder.context, group)
    cinder.driver.update_group(cinder.context, group, [volume], [])
    cinder.driver.update_group(cinder.context, group, [], [volume])
    cinder.driver.disable_replication(cinder.context, group, [volume])
    cinder.driver.enable_replication(cinder.context, group, [volume])
    cinder.driver.delete_group(cinder.context, group, [volume])
    return created


def group_snapshot(cinder):
    group = cinder.group()
    cinder.driver.create_group(cinder.context, group)
    volume = cinder.created("replicated", group=group)
    taken = complete(
        objects.GroupSnapshot(cinder.context, id=str(uuid.uuid4()), group=group, group_id=group.id)
    )
    snapshot = cinder.snapshot(volume, taken)
    cinder.control.write("fa-a", volume.provider_id, "in the group's snapshot")
    cinder.driver.create_group_snapshot(cinder.context, taken, [snapshot])
    copy = cinder.volume()
    made = cinder.driver.create_volume_from_snapshot(copy, snapshot, cgsnapshot=True)
    copy.provider_id = made["provider_id"]
    cinder.driver.delete_group_snapshot(cinder.context, taken, [snapshot])
    return cinder.markers(copy)


def fail_over_a_group(cinder):
    group = cinder.group()
    cinder.driver.create_group(cinder.context, group)
    volume = cinder.created("replicated", group=group)
    name = f"consisgroup-{group.id}-cinder"
    cinder.control.write("fa-a", volume.provider_id, "replicated")
    suffix = cinder.control.replicate("fa-a", name)
    cinder.control.wait_replicated("fa-b", f"fa-a:{name}.{suffix}")
    cinder.control.write("fa-a", volume.provider_id, "lost")
    updated = cinder.driver.failover_replication(cinder.context, group, [volume], "site-b")
    return {"updated": updated, "markers": cinder.markers(volume, "fa-b")}


def fail_over_the_host(cinder):
    """Last: the driver stays at the other array."""
    volume = cinder.created("replicated")
    cinder.control.write("fa-a", volume.provider_id, "replicated")
    suffix = cinder.control.replicate("fa-a", "cinder-group")
    cinder.control.wait_replicated("fa-b", f"fa-a:cinder-group.{suffix}")
    cinder.control.write("fa-a", volume.provider_id, "lost")
    cinder.control.array_down("fa-a")
    active, updates, _ = cinder.driver.failover_host(cinder.context, [volume], "site-b")
    connection = cinder.driver.initialize_connection(volume, CONNECTOR)
    cinder.driver.terminate_connection(volume, CONNECTOR)
    return {
        "active": active,
        "updates": updates,
        "markers": cinder.markers(volume, "fa-b"),
        "connection": connection,
    }


# -- the story of a backend with an ActiveCluster pod ----------------------------------------------


def sync_create(cinder):
    volume = cinder.created("synchronous")
    cinder.control.write("fa-b", volume.provider_id, "written at b")
    return {"name": volume.provider_id, "markers": cinder.markers(volume)}


def sync_extend_and_delete(cinder):
    volume = cinder.created("synchronous")
    cinder.driver.extend_volume(volume, 3)
    cinder.driver.delete_volume(volume)
    return volume.provider_id


def sync_attach_and_detach(cinder):
    volume = cinder.created("synchronous")
    connection = cinder.driver.initialize_connection(volume, CONNECTOR)
    connected = [each["connection_count"] for each in sync_views(cinder, volume)]
    cinder.driver.terminate_connection(volume, CONNECTOR)
    left = [each["connection_count"] for each in sync_views(cinder, volume)]
    return {"connection": connection, "connected": connected, "left": left}


def sync_views(cinder, volume):
    """Return the volume as each of the arrays shows it."""
    return [
        each
        for array in ("fa-a", "fa-b")
        for each in cinder.control.volumes(array)
        if each["name"] == volume.provider_id
    ]


def sync_snapshot_and_revert(cinder):
    volume = cinder.created("synchronous")
    cinder.control.write("fa-a", volume.provider_id, "before")
    snapshot = cinder.snapshot(volume)
    cinder.driver.create_snapshot(snapshot)
    cinder.control.write("fa-a", volume.provider_id, "after")
    cinder.driver.revert_to_snapshot(cinder.context, volume, snapshot)
    return cinder.markers(volume, "fa-b")


def sync_clone(cinder):
    volume, copy = cinder.created("synchronous"), cinder.volume("synchronous")
    cinder.control.write("fa-a", volume.provider_id, "cloned")
    copy.provider_id = cinder.driver.create_cloned_volume(copy, volume)["provider_id"]
    return {"name": copy.provider_id, "markers": cinder.markers(copy, "fa-b")}


def sync_retype(cinder):
    """Into the pod and out again, by way of pods that last as long as that takes."""
    volume = cinder.created()
    cinder.control.write("fa-a", volume.provider_id, "kept")
    names = [volume.provider_id]
    for kind in ("synchronous", "plain"):
        new = cinder.types[kind]
        cinder.driver.retype(cinder.context, volume, {"id": new.id}, {}, volume.host)
        volume.volume_type, volume.volume_type_id = new, new.id
        names.append(volume.provider_id)
    return {"names": names, "markers": cinder.markers(volume)}


def sync_group(cinder):
    group, volume = cinder.group("synchronous"), cinder.created("synchronous")
    created = cinder.driver.create_group(cinder.context, group)
    cinder.driver.update_group(cinder.context, group, [volume], [])
    taken = complete(
        objects.GroupSnapshot(cinder.context, id=str(uuid.uuid4()), group=group, group_id=group.id)
    )
    snapshot = cinder.snapshot(volume, taken)
    cinder.control.write("fa-a", volume.provider_id, "in the group's snapshot")
    cinder.driver.create_group_snapshot(cinder.context, taken, [snapshot])
    name = f"cinder-pod::consisgroup-{group.id}-cinder.cgsnapshot-{taken.id}-cinder"
    member = f"{name}.{volume.provider_id.split('::')[1]}"
    frozen = cinder.control.markers("fa-b", member)
    cinder.driver.delete_group_snapshot(cinder.context, taken, [snapshot])
    cinder.driver.delete_group(cinder.context, group, [volume])
    return {"created": created, "frozen": frozen}


def sync_fail_over_a_group(cinder):
    group = cinder.group("synchronous")
    cinder.driver.create_group(cinder.context, group)
    volume = cinder.created("synchronous", group=group)
    over = cinder.driver.failover_replication(cinder.context, group, [volume], "site-b")
    back = cinder.driver.failover_replication(cinder.context, group, [volume], "default")
    return {"over": over, "back": back}


def sync_manage_is_refused(cinder):
    """A volume of a stretched pod cannot be managed, one of a single array's pod can."""
    volume, new = cinder.created("synchronous"), cinder.volume()
    try:
        cinder.driver.manage_existing_get_size(new, {"source-name": volume.provider_id})
    except Exception as error:
        return str(error)


def sync_manage_a_copy(cinder):
    """What a site does that leaves the pod as it is: copy the group's volumes, of one moment.

    The copy is managed as a plain volume, and replicated when there is somewhere to: by retype.
    Or it is managed as a replicated one at once, for which the other array must be there.
    """
    group, volume = cinder.group("synchronous"), cinder.created("synchronous")
    cinder.driver.create_group(cinder.context, group)
    cinder.driver.update_group(cinder.context, group, [volume], [])
    cinder.control.write("fa-a", volume.provider_id, "in the snapshot")
    array, name = cinder.driver._array, f"cinder-pod::consisgroup-{group.id}-cinder"
    taken = flasharray.ProtectionGroupSnapshotPost(suffix="recovery")
    array.post_protection_group_snapshots(source_names=[name], protection_group_snapshot=taken)
    source = flasharray.Reference(name=f"{name}.recovery.{volume.provider_id.split('::')[1]}")
    names, markers = [], []
    for copy, kind in (("copy-1", "plain"), ("copy-2", "synchronous")):
        array.post_volumes(names=[copy], volume=flasharray.VolumePost(source=source))
        new = cinder.volume(kind)
        managed = cinder.driver.manage_existing(new, {"source-name": copy})
        new.provider_id = managed["provider_id"]
        if kind == "plain":
            to = cinder.types["synchronous"]
            cinder.driver.retype(cinder.context, new, {"id": to.id}, {}, new.host)
        names.append(new.provider_id)
        markers.append(cinder.markers(new, "fa-b"))
    return {"names": names, "markers": markers}


def sync_manage_what_was_moved_out(cinder):
    """What a site does that goes on without the other: unstretch, move out, manage."""
    volume, new = cinder.created("synchronous"), cinder.volume()
    cinder.control.write("fa-a", volume.provider_id, "kept")
    array = cinder.driver._array
    array.delete_pods_arrays(group_names=["cinder-pod"], member_names=["fa-b"])
    out = flasharray.VolumePatch(pod=flasharray.Reference(name=""))
    array.patch_volumes(names=[volume.provider_id], volume=out)
    reference = {"source-name": volume.provider_id.split("::")[1]}
    size = cinder.driver.manage_existing_get_size(new, reference)
    new.provider_id = cinder.driver.manage_existing(new, reference)["provider_id"]
    return {"size": size, "name": new.provider_id, "markers": cinder.markers(new)}


def sync_fail_over_the_host(cinder):
    """Last: the driver stays at the other array. The first one must live: it is asked before."""
    cinder.new_driver().do_setup(cinder.context)
    cinder.control.wait_pod("fa-b", "cinder-pod", "online")
    volume = cinder.created("synchronous")
    cinder.control.write("fa-a", volume.provider_id, "last")
    active, updates, _ = cinder.driver.failover_host(cinder.context, [volume], "site-b")
    connection = cinder.driver.initialize_connection(volume, CONNECTOR)
    return {
        "active": active,
        "updates": updates,
        "markers": cinder.markers(volume, "fa-b"),
        "connection": connection,
    }


ASYNCHRONOUS = [
    setup,
    setup_again,
    stats,
    create_and_delete,
    create_in_a_volume_group,
    extend,
    attach_and_detach,
    snapshot_and_revert,
    clone,
    unmanage_and_manage,
    manage_a_snapshot,
    manageable,
    retype,
    group,
    group_snapshot,
    fail_over_a_group,
    fail_over_the_host,
]
SYNCHRONOUS = [
    setup,
    setup_again,
    stats,
    create_and_delete,
    sync_create,
    sync_extend_and_delete,
    sync_attach_and_detach,
    sync_snapshot_and_revert,
    sync_clone,
    sync_retype,
    sync_group,
    sync_fail_over_a_group,
    sync_manage_is_refused,
    sync_manage_a_copy,
    manageable,
    sync_manage_what_was_moved_out,
    sync_fail_over_the_host,
]
STORIES = {"asynchronous": ASYNCHRONOUS, "synchronous": SYNCHRONOUS}


def tell(step, cinder):
    try:
        return step(cinder)
    except Exception as error:
        return {"error": "".join(traceback.format_exception(error))}


def main():
    given = json.loads(sys.argv[1])
    cinder = Cinder(given)
    told = {step.__name__: tell(step, cinder) for step in STORIES[given["story"]]}
    print(json.dumps(told, default=str))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
