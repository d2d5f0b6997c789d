# SPDX-License-Identifier: Apache-2.0
"""Mappings on the command line: ``--network-mapping <source>=<target>``."""

import argparse
from collections.abc import Sequence
from typing import Any


class Add(argparse.Action):
    """Collects the pairs of a mapping in a dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        source, equals, target = str(values).partition("=")
        if not (source and equals and target):
            raise argparse.ArgumentError(
                self,
                f"{str(values)!r} is not a mapping. Write it as {self.metavar}, by names or ids,"
                " and repeat the option for each pair",
            )
        mapping = dict(getattr(namespace, self.dest) or {})
        if mapping.get(source, target) != target:
            raise argparse.ArgumentError(
                self, f"{source} is mapped twice: to {mapping[source]} and to {target}"
            )
        setattr(namespace, self.dest, mapping | {source: target})


def add_options(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add both mappings' options."""
    for kind in ("network", "flavor"):
        parser.add_argument(
            f"--{kind}-mapping",
            metavar=f"<primary-{kind}>=<secondary-{kind}>",
            action=Add,
            help=(
                f"{kind.capitalize()} of the one site and what stands for it on the other, by name"
                f" or id; repeat it for each. {purpose}"
            ),
        )
