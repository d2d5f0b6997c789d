# SPDX-License-Identifier: Apache-2.0
"""Every error Protector raises on purpose.

Each is a sentence for the person who reads it: what is wrong with which thing, and what to do.
Raise with keywords; ``.text`` is the sentence. They travel over RPC unchanged.

* ProtectorError 500
  - InvalidRequest 400
  - VersionNotSupported 406
  - Unauthorized 401
  - Forbidden 403
  - NotFound 404
    . SiteNotFound, TenantMappingNotFound, GroupNotFound, OperationNotFound, ServerNotFound,
      MemberNotFound, DocumentNotFound
  - Conflict 409
    . SiteExists, TenantMappingExists, GroupExists, MemberExists
    . TooManySites, SiteInUse, AskOtherSite, TenantMappingInUse, NoTenantMapping, NoVolumeType,
      ServerNotProtectable, WrongStatus, WrongSite, OperationInProgress, OperationRunning,
      OperationEnded, NothingToRetry, CancelKeepsOnly, CancelUndoesOnly, NotCancellable,
      NothingStandsBy, NotReprotected, EarlierTestLeft, NothingToCleanUp,
      DocumentConflict, DocumentInvalid, DocumentUnsettled, DocumentTooLarge, PeerRefused,
      PeerTooOld, GroupSuperseded, NotSynchronized, EditedMeanwhile, NothingRecoverable,
      HandOverFailed, NotHandedBack, StandsStill, ClaimLost
  - OperationCancelled 500
  - PeerUnreachable 503
  - DatabaseUnreachable 503
  - EngineUnreachable 503
  - CoordinationUnreachable 503
  - KeysUnusable 500
  - CloudError 502
    . CloudRefused, VolumeManageRefused
    . CloudUnavailable 503, VolumesNotAttached
  - StorageError 502
    . NoCompletePoint, NoSuchPoint, OtherPointBegun, NotMirrored, MirrorResyncing, MirrorOffline
    . ArrayUnreachable 503, ArrayBusy
"""

from typing import Any, ClassVar


class ProtectorError(Exception):
    status: ClassVar[int] = 500
    code: ClassVar[str] = "protector.internal"
    message: ClassVar[str] = "Protector met a fault of its own; its log has the request's id."

    def __init__(self, **details: Any) -> None:
        # oslo.messaging rebuilds a remote exception from its `args` and `kwargs`.
        self.kwargs = details
        super().__init__()

    @property
    def text(self) -> str:
        """The sentence to show to a person."""
        return self.message.format(**self.kwargs)

    def __str__(self) -> str:
        return self.text


class InvalidRequest(ProtectorError):
    status = 400
    code = "protector.invalid"
    message = "{reason}"


class VersionNotSupported(ProtectorError):
    status = 406
    code = "protector.version"
    message = "Version {asked} of this API is not spoken here: {minimum} to {maximum} are."


class Unauthorized(ProtectorError):
    status = 401
    code = "protector.unauthorized"
    message = (
        "This is the Protector of {site}, and it does not know your token. Sign in to {site}:"
        " export OS_CLOUD={site} (or source its openrc), then check with:"
        " openstack catalog show protector"
    )


class Forbidden(ProtectorError):
    status = 403
    code = "protector.forbidden"
    message = "Your roles on project {project_id} do not allow this (rule {rule})."


class NotFound(ProtectorError):
    status = 404
    code = "protector.not_found"


class SiteNotFound(NotFound):
    code = "protector.site.not_found"
    message = "No site {site} is registered. See: openstack protector site list"


class TenantMappingNotFound(NotFound):
    code = "protector.tenant_mapping.not_found"
    message = "No tenant mapping {mapping}. See: openstack protector tenant-mapping list"


class GroupNotFound(NotFound):
    code = "protector.group.not_found"
    message = "No protection group {group}. See: openstack protector protection-group list"


class OperationNotFound(NotFound):
    code = "protector.operation.not_found"
    message = (
        "No operation {operation} on this site. Operations are kept where they ran; see:"
        " openstack protector operation list"
    )


class ServerNotFound(NotFound):
    code = "protector.server.not_found"
    message = "No server {server} in your project on {site}. See: openstack server list"


class MemberNotFound(NotFound):
    code = "protector.member.not_found"
    message = (
        "Server {server} is not a member of protection group {group}. See:"
        " openstack protector protection-group member list {group}"
    )


class DocumentNotFound(NotFound):
    code = "protector.document.not_found"
    message = "Protection group {group} has no recovery document {checksum} on this site."


class Conflict(ProtectorError):
    status = 409
    code = "protector.conflict"


class SiteExists(Conflict):
    code = "protector.site.exists"
    message = "A site named {site} is registered already. See: openstack protector site show {site}"


class TenantMappingExists(Conflict):
    code = "protector.tenant_mapping.exists"
    message = (
        "Project {project_id} has a mapping to {peer_site} already, or its peer project has. See:"
        " openstack protector tenant-mapping list"
    )


class GroupExists(Conflict):
    code = "protector.group.exists"
    message = (
        "A protection group named {group} already exists in your project. See:"
        " openstack protector protection-group show {group}"
    )


class MemberExists(Conflict):
    code = "protector.member.exists"
    message = (
        "Server {server} is a member of protection group {group} already. See:"
        " openstack protector protection-group member list {group}"
    )


class TooManySites(Conflict):
    code = "protector.site.too_many"
    message = (
        "Protector pairs two sites, here {site} and {peer_site}; {name} would be a third. To"
        " replace {peer_site}, delete it first: openstack protector site delete {peer_site}"
    )


class AskOtherSite(Conflict):
    code = "protector.site.ask_other"
    message = (
        "The {what} are known on {right_site} alone; this is {site}: export OS_CLOUD={right_site}"
    )


class SiteInUse(Conflict):
    code = "protector.site.in_use"
    message = "Site {site} is used by {user}. Delete that first."


class TenantMappingInUse(Conflict):
    code = "protector.tenant_mapping.in_use"
    message = (
        "Tenant mapping {mapping} is used by protection group {group} of project {project_id}."
        " Delete that first: openstack protector protection-group delete {group}"
    )


class NoTenantMapping(Conflict):
    code = "protector.tenant_mapping.missing"
    message = (
        "Project {project_id} on {site} is not paired with a project on {peer_site}. Ask an"
        " administrator of {site} to run: openstack protector tenant-mapping create"
        " --project {project_id} --peer-site {peer_site} --peer-project <project on {peer_site}>"
    )


class NoVolumeType(Conflict):
    code = "protector.volume_type.missing"
    message = "{reason}"


class ServerNotProtectable(Conflict):
    """``reasons``: sentences, joined; all of them, not the first."""

    code = "protector.server.not_protectable"
    message = "Server {server} cannot be protected: {reasons}"


class WrongStatus(Conflict):
    code = "protector.group.wrong_status"
    message = "Protection group {group} is {status} and cannot {event} now. {way_out}"


class WrongSite(Conflict):
    code = "protector.group.wrong_site"
    message = (
        "{action} of protection group {group} is done on {right_site}; this is {site}. Go there:"
        " export OS_CLOUD={right_site}"
    )


class OperationInProgress(Conflict):
    code = "protector.operation.in_progress"
    message = (
        "An engine is working on operation {operation} of protection group {group}. Follow it:"
        " openstack protector operation show {operation}. To reset the group's status all the"
        " same, add --force"
    )


class DocumentConflict(Conflict):
    """``site`` and ``peer_site`` have the versions; ``differences``: words, joined.

    ``written_on`` and ``peer_written_on``: where each version was written.
    """

    code = "protector.document.conflict"
    message = (
        "The recovery document of protection group {group} differs between the sites: {site} has"
        " version {version} (epoch {epoch}, written on {written_on} at {modified_at}), {peer_site}"
        " has version {peer_version} (epoch {peer_epoch}, written on {peer_written_on} at"
        " {peer_modified_at}). They differ in: {differences}. Nothing was changed. See:"
        " openstack protector protection-group sync-status {group}. To settle it, say whose"
        " version holds: openstack protector protection-group sync-force {group}"
        " --force-direction secondary-to-primary (that of {secondary_site}), or"
        " primary-to-secondary (that of {primary_site})"
    )


class DocumentInvalid(Conflict):
    code = "protector.document.invalid"
    message = "The recovery document sent by {peer_site} is not understood on {site}: {reason}"


class DocumentTooLarge(Conflict):
    """``size`` and ``limit`` in MiB."""

    code = "protector.document.too_large"
    message = (
        "The recovery document of protection group {group} would be {size} MiB large; {limit} MiB"
        " are sent at most, and nothing was changed. Put some of its {members} VMs into another"
        " group, those with much user data first"
    )


class PeerTooOld(Conflict):
    """The peer's release does not understand what this one writes."""

    code = "protector.peer.too_old"
    message = (
        "The Protector of {peer_site} is of an older release: it understands recovery documents up"
        " to schema {peer_schema}, and {site} writes schema {schema}. Nothing was changed. Upgrade"
        " the Protector of {peer_site}"
    )


class GroupSuperseded(Conflict):
    """The peer's epoch is higher: the group was failed over to it, and this site's copy is old."""

    code = "protector.group.superseded"
    message = (
        "Protection group {group} runs on {peer_site} by now (epoch {peer_epoch}, version"
        " {peer_version} there); {site} still has version {version} of epoch {epoch}, and does"
        " nothing with the group before it has been synchronized. Do that from {peer_site}:"
        " export OS_CLOUD={peer_site}; openstack protector protection-group sync-force {group}"
    )


class NotSynchronized(Conflict):
    """After a failover nothing is changed before both sites know of it."""

    code = "protector.group.not_synchronized"
    message = (
        "Protection group {group} was failed over to {site}, and {peer_site} has not been told"
        " ({status}). It is changed again once both have the same version:"
        " openstack protector protection-group sync-force {group}"
    )


class NotReprotected(Conflict):
    """It is asked of ``right_site``, where the group runs, before it can fail back."""

    code = "protector.group.not_reprotected"
    message = (
        "Protection group {group} runs on {right_site}, and {site} does not get its data yet, so"
        " there is nothing to fail back with. Protect it first: export OS_CLOUD={right_site};"
        " openstack protector protection-group reprotect {group} --wait"
    )


class DocumentUnsettled(Conflict):
    """``differences``: words, joined."""

    code = "protector.document.unsettled"
    message = (
        "The version of the recovery document of protection group {group} on {site} is {version}"
        " (epoch {epoch}); {peer_site} had begun version {peer_version} (epoch {peer_epoch}, of"
        " {peer_modified_at}), and whether it was finished is not known. It changes:"
        " {differences}. See: openstack protector protection-group sync-status {group}. To recover"
        " with version {version}, fail over again with --accept-stale-metadata"
    )


class PeerRefused(Conflict):
    """The peer answered, and said no: ``reason`` is its own sentence."""

    code = "protector.peer.refused"
    message = "{peer_site} refused: {reason}"


class EditedMeanwhile(Conflict):
    code = "protector.group.edited_meanwhile"
    message = (
        "Protection group {group} is being changed by another request, and this one changed"
        " nothing. See what became of the other, then send it again:"
        " openstack protector protection-group show {group}"
    )


class NothingRecoverable(Conflict):
    """``faults``: one sentence a line, for each VM."""

    code = "protector.recovery.nothing"
    message = "{faults}"


class HandOverFailed(Conflict):
    """``reason``: sentences of the peer's."""

    code = "protector.handover.failed"
    message = "{peer_site} does not hand protection group {group} over: {reason}"


class NotHandedBack(Conflict):
    """The peer was not reached to be told that the group stays its."""

    code = "protector.handover.not_handed_back"
    message = (
        "{peer_site} could not be told that protection group {group} is not taken over by {site}"
        " ({reason}). It asks {site} by itself, and starts the VMs again as soon as it is answered."
        " To see whether it has: export OS_CLOUD={peer_site}; openstack protector protection-group"
        " show {group}"
    )


class StandsStill(Conflict):
    """``what``: how far it had come."""

    code = "protector.handover.stands_still"
    message = (
        "{what}; nothing of that has changed for {seconds} seconds. Check the link between the two"
        " sites and their arrays ([engine] standstill_timeout says how long is waited)."
    )


class ClaimLost(Conflict):
    """Another engine, or a person, has taken the operation over."""

    code = "protector.operation.claim_lost"
    message = "Operation {operation} is not this engine's any more."


class OperationRunning(Conflict):
    code = "protector.operation.running"
    message = (
        "Protection group {group} is {group_status}: operation {operation} is {status}, and a group"
        " has one at a time. Follow it: openstack protector operation show {operation}, or stop it:"
        " openstack protector operation cancel {operation}. See also: openstack protector operation"
        " list"
    )


class OperationCancelled(ProtectorError):
    code = "protector.operation.cancelled"
    message = "Operation {operation} was cancelled before this step began."


class OperationEnded(Conflict):
    code = "protector.operation.ended"
    message = (
        "Operation {operation} is {status} already, so there is nothing to cancel. See:"
        " openstack protector operation show {operation}"
    )


class CancelKeepsOnly(Conflict):
    code = "protector.operation.cancel_keeps_only"
    message = (
        "Operation {operation} goes on with a failover of which some VMs run, and these stay. Stop"
        " it and keep what it has made: openstack protector operation cancel {operation} --keep"
    )


class NotCancellable(Conflict):
    code = "protector.operation.not_cancellable"
    message = (
        "Operation {operation} ({kind}) only goes forward and cannot be cancelled. Follow it:"
        " openstack protector operation show {operation}"
    )


class EarlierTestLeft(Conflict):
    code = "protector.test.not_cleaned"
    message = (
        "What an earlier test of protection group {group} made (operation {operation}) is still"
        " there. Remove it first: openstack protector protection-group test-cleanup {group}"
    )


class NothingToCleanUp(Conflict):
    code = "protector.test.nothing"
    message = (
        "There is no test of protection group {group} on {site} to clean up. See:"
        " openstack protector operation list --protection-group {group}"
    )


class CancelUndoesOnly(Conflict):
    code = "protector.operation.cancel_undoes_only"
    message = (
        "Operation {operation} moves a group that both sites look after, so nothing of it is kept:"
        " the VMs run on where they are, and another attempt begins with another snapshot. Stop it"
        " and undo what it has made: openstack protector operation cancel {operation}"
    )


class NothingStandsBy(Conflict):
    code = "protector.group.nothing_stands_by"
    message = (
        "Of protection group {group} nothing stands by on {peer_site} that could be released. After"
        " a failover the old VMs do, from the moment on at which the group is protected in the"
        " other direction: openstack protector protection-group show {group}"
    )


class NothingToRetry(Conflict):
    code = "protector.operation.nothing_to_retry"
    message = "Operation {operation} cannot be retried: {reason}"


class PeerUnreachable(ProtectorError):
    status = 503
    code = "protector.peer.unreachable"
    message = (
        "{peer_site} cannot be reached from {site}: {reason}. A protection group is changed on"
        " both sites or not at all, so nothing was changed. Check the peer:"
        " openstack protector site validate {peer_site}"
    )


class DatabaseUnreachable(ProtectorError):
    status = 503
    code = "protector.database.unreachable"
    message = (
        "The database of Protector on {site} does not answer. If something was being changed, it"
        " is finished or taken back on both sites once it does; see then:"
        " openstack protector protection-group sync-status <protection-group>"
    )


class EngineUnreachable(ProtectorError):
    status = 503
    code = "protector.engine.unreachable"
    message = (
        "No protector-engine of {site} answered. Check the service on {site}:"
        " systemctl status protector-engine"
    )


class CoordinationUnreachable(ProtectorError):
    status = 503
    code = "protector.coordination.unreachable"
    message = (
        "What tells the engines of {site} of each other does not answer: {reason}. Check"
        " [coordination] backend_url in protector.conf"
    )


class KeysUnusable(ProtectorError):
    code = "protector.keys"
    message = (
        "The keys in {path} cannot be used: {reason}. If there never were any, make one with"
        " protector-manage create-key; else bring the file back"
    )


class CloudError(ProtectorError):
    """A service of the site's cloud gave an answer that cannot be worked with."""

    status = 502
    code = "protector.cloud"
    message = "{service} of {site}: {reason}"


class CloudRefused(CloudError):
    """The service refused the tenant or Protector: policy, quota, role."""

    code = "protector.cloud.refused"
    message = "{service} of {site} refused to {action}: {reason}"


class VolumeManageRefused(CloudRefused):
    code = "protector.cloud.volume_manage_refused"
    message = (
        "{service} of {site} refused to manage volumes: {reason}. Permission"
        " volume_extension:volume_manage is missing. Add to /etc/cinder/policy.yaml on {site}:"
        ' "volume_extension:volume_manage": "rule:admin_or_owner",'
        ' "volume_extension:volume_unmanage": "rule:admin_or_owner",'
        ' "volume_extension:services:index": "rule:admin_or_owner".'
        " Then restart cinder-api and fail over again"
    )


def volume_manage_refused(refusal: CloudRefused) -> VolumeManageRefused | None:
    """Return the refusal with its remedy, if it is one of Cinder's policy."""
    if "volume_extension:" not in refusal.kwargs["reason"]:
        return None
    return VolumeManageRefused(**refusal.kwargs)


class CloudUnavailable(CloudError):
    """The service did not answer, or not now: the same request may be answered later."""

    status = 503
    code = "protector.cloud.unavailable"
    message = "{service} of {site}: {reason}. Check it: openstack protector site validate {site}"


class VolumesNotAttached(CloudUnavailable):
    """A server went to ERROR over its volumes. A storage driver that meets an array host for the
    first time may refuse one of two attachments; a server made anew is attached.
    """

    code = "protector.cloud.volumes_not_attached"
    most_attempts = 3


class StorageError(ProtectorError):
    status = 502
    code = "protector.storage"
    message = "Array {array}: {reason}"


class NoCompletePoint(StorageError):
    code = "protector.storage.no_complete_point"
    message = (
        "Array {array} holds no complete snapshot of protection group {group} ({array_group} of"
        " {source_array}): {found}. Its data cannot be recovered here until a replication cycle"
        " (every {interval} seconds) has completed"
    )


class NoSuchPoint(StorageError):
    """``wanted``: words for what was asked for; ``found``: what there is."""

    code = "protector.storage.no_such_point"
    message = (
        "Array {array} holds no complete snapshot {wanted} of protection group {group}. There is:"
        " {found}. See: openstack protector protection-group snapshot list {group}"
    )


class OtherPointBegun(StorageError):
    code = "protector.storage.other_point_begun"
    message = (
        "Volumes of protection group {group} were made on array {array} of snapshot {begun} by an"
        " earlier attempt, and the rest is to be of the same moment. Ask for that one:"
        " --snapshot {begun}"
    )


class NotMirrored(StorageError):
    code = "protector.storage.not_mirrored"
    message = (
        "Array {array} does not have what replicates protection group {group}: {array_group} of"
        " array {source_array}. Have the array's administrator see whether its pod is still"
        " stretched to {array}: purepod list"
    )


class MirrorResyncing(StorageError):
    code = "protector.storage.mirror_resyncing"
    message = (
        "Pod {pod}, which holds protection group {group}, is at {progress} of its"
        " resynchronization to array {array}: until then what is there is not whole. Wait until it"
        " is online there: openstack protector consistency-group show {group}"
    )


class MirrorOffline(StorageError):
    """``as_of``: the moment whose data the array holds, or that it does not tell."""

    code = "protector.storage.mirror_offline"
    message = (
        "Pod {pod}, which holds protection group {group}, is offline on array {array}, whose data"
        " are of {as_of}: array {source_array} went on without it, or no array reached the"
        " mediator. Connect the arrays, and it comes online by itself. If {source_array} is lost"
        " for good, have the array's administrator let {array} go on alone, with all groups of the"
        " pod and without what was written later: purepod remove --array {source_array}"
        " --with-unknown {pod}"
    )


class ArrayUnreachable(StorageError):
    status = 503
    code = "protector.storage.unreachable"
    message = "Array {array} cannot be reached: {reason}. Check it and the network to it."


class ArrayBusy(StorageError):
    """It answered that it cannot now."""

    status = 503
    code = "protector.storage.busy"
    message = "Array {array} is busy: {reason}. Check its load and health."


# What may be gone when asked again.
PASSING = (CloudUnavailable, ArrayUnreachable, ArrayBusy)
