# SPDX-License-Identifier: Apache-2.0
"""Reprotect, as an engine sees it from outside its steps."""

from taskflow.flow import Flow

from protector.domain.operation import ReprotectArguments
from protector.engine.flows.reprotection import reprotection
from protector.engine.procedures.base import Procedure
from protector.engine.work import Work


class Reprotection(Work):
    arguments: ReprotectArguments

    def must_stay(self) -> bool:
        """Data that has been sent need not be sent again: a retry finds what is set up."""
        return True


class Reprotecting(Procedure[Reprotection]):
    work = Reprotection

    def flow(self, work: Reprotection) -> Flow:
        return reprotection(work)
