# SPDX-License-Identifier: Apache-2.0
"""Commands that answer in sentences: a format ``text`` beside cliff's own."""

import abc
import argparse
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TextIO

from cliff.formatters import base
from osc_lib import exceptions as osc

from protectorclient.osc import command


class TextFormatter(base.SingleFormatter):
    """Writes an object as lines of text."""

    @abc.abstractmethod
    def lines(self, **fields: Any) -> Iterator[str]:
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
        fields = dict(zip(column_names, data, strict=True))
        stdout.writelines(f"{line}\n" for line in self.lines(**fields))


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
    def lines(
        self,
        *,
        in_sync: bool,
        local: dict[str, Any],
        remote: dict[str, Any],
        actions: list[str],
        **_: Any,
    ) -> Iterator[str]:
        yield "Sync Status: " + ("✅ IN SYNC" if in_sync else "⚠️ OUT OF SYNC")
        yield ""
        yield "Local Metadata:"
        yield f"  Version: {local['version']}"
        yield f"  Current Site: {local['site']}"
        yield f"  Last Modified: {local['modified_at']}"
        yield ""
        yield "Remote Sync:"
        yield f"  Status: {remote['status']}"
        yield f"  Remote Version: {remote['version']}"
        yield f"  Last Sync: {remote['last_sync']}"
        if remote["error"]:
            yield f"  Error: {remote['error']}"
        if actions:
            yield ""
            yield "Action Required:"
            for number, action in enumerate(actions, start=1):
                yield f"  {number}. {action}"


class SyncForceText(TextFormatter):
    """Tells a push to the other site; its first lines are told before there is an answer."""

    def opening(self) -> Iterator[str]:
        yield "Force Sync Initiated..."
        yield ""
        yield "Checking remote site connectivity..."

    def reachable(self, peer_site: str) -> str:
        return f"✅ {peer_site} is reachable"

    def unreachable(self, peer_site: str, reason: str) -> str:
        return f"❌ {peer_site} is not reachable: {reason}"

    def lines(
        self, *, peer_site: str, status: str, version: int, duration_ms: int, **_: Any
    ) -> Iterator[str]:
        yield self.reachable(peer_site)
        yield ""
        yield f"Syncing metadata (version {version})..."
        yield "  Gathering current metadata... ✓"
        yield "  Calculating checksum... ✓"
        yield f"  Pushing to {peer_site}... ✓"
        yield ""
        yield "Remote Site Response:"
        yield f"  Status: {status}"
        yield f"  Version: {version}"
        yield f"  Duration: {duration_ms}ms"
        yield ""
        yield "✅ Sync completed successfully"
        yield f"Both sites now at version {version}"
