# SPDX-License-Identifier: Apache-2.0
"""Commands that answer in sentences: a format ``text`` beside cliff's own."""

import abc
import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TextIO

from cliff.formatters import base
from osc_lib import exceptions as osc

from protectorclient.osc import columns, command


class TextFormatter(base.SingleFormatter):
    """Writes an object as lines of text."""

    @abc.abstractmethod
    def lines(self, fields: Mapping[str, Any]) -> Iterator[str]:
        """Say what the fields tell."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Text has no options."""

    def emit_one(
        self,
        column_names: Sequence[str],
        data: Sequence[Any],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        told = self.lines(dict(zip(column_names, data, strict=True)))
        stdout.writelines(f"{line}\n" for line in told)


class ShowText(command.ShowOne):
    """Shows one object as text, or its fields in one of cliff's formats."""

    formatter_namespace: ClassVar[str]
    formatter_default = "text"

    def run(self, parsed_args: argparse.Namespace) -> int:
        if parsed_args.columns and parsed_args.formatter == "text":
            raise osc.CommandError(
                "Text is shown whole: -c chooses among the fields of -f json, yaml, value or shell."
            )
        return super().run(parsed_args)


class SyncStatusText(TextFormatter):
    def lines(self, fields: Mapping[str, Any]) -> Iterator[str]:
        yield "Sync Status: " + ("✅ IN SYNC" if fields["in_sync"] else "⚠️ OUT OF SYNC")
        yield ""
        yield "Local Metadata:"
        local = fields["local"]
        yield f"  Version: {local['version']}"
        yield f"  Current Site: {local['site']}"
        yield f"  Last Modified: {local['modified_at']}"
        yield ""
        yield "Remote Sync:"
        remote = fields["remote"]
        yield f"  Status: {remote['status']}"
        yield f"  Remote Version: {'unknown' if remote['version'] is None else remote['version']}"
        yield f"  Last Sync: {remote['last_sync'] or 'never'}"
        if remote["error"]:
            yield f"  Error: {remote['error']}"
        if fields["actions"]:
            yield ""
            yield "Action Required:"
        for number, action in enumerate(fields["actions"], start=1):
            yield f"  {number}. {action}"


class SyncForceText(TextFormatter):
    """Tells a push to the other site; its first lines are told before there is an answer."""

    def opening(self) -> Iterator[str]:
        yield "Force Sync Initiated..."
        yield ""
        yield "Checking remote site connectivity..."

    def unreachable(self, peer_site: str, reason: str) -> str:
        return f"❌ {peer_site} is not reachable: {reason}"

    def lines(self, fields: Mapping[str, Any]) -> Iterator[str]:
        peer_site, version = fields["peer_site"], fields["version"]
        whose = f"metadata of {peer_site}" if _is_taken(fields) else "current metadata"
        yield f"✅ {peer_site} is reachable"
        yield ""
        yield f"Syncing metadata (version {version})..."
        yield f"  Gathering {whose}... ✓"
        yield "  Calculating checksum... ✓"
        yield f"  Pushing to {peer_site}... ✓"
        yield ""
        yield "Remote Site Response:"
        yield f"  Status: {fields['status']}"
        yield f"  Version: {version}"
        yield f"  Duration: {fields['duration_ms']}ms"
        yield ""
        if fields["overwritten"]:
            yield _overwritten(fields["name"], fields["overwritten"])
        yield "✅ Sync completed successfully"
        yield f"Both sites now at version {version}"


def _is_taken(fields: Mapping[str, Any]) -> bool:
    """Whether the version that both sites have now was the other site's."""
    taken: bool = fields["source_site"] == fields["peer_site"]
    return taken


def _overwritten(group: str, document: Mapping[str, Any]) -> str:
    version = columns.abbreviated(document["checksum"])
    return (
        f"Overwritten: version {document['version']} of {document['site']} (kept: openstack"
        f" protector protection-group document show {group} {version})"
    )
