# SPDX-License-Identifier: Apache-2.0
"""What the steps of a recovery have in common."""

from protector.engine.recovery import Recovery
from protector.engine.step import Step


class RecoveryStep(Step):
    work: Recovery
