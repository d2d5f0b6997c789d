# SPDX-License-Identifier: Apache-2.0
"""The testbed as a fixture of pytest: the one that runs, or else one that is brought up."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testbed.testbed import Testbed


@pytest.fixture(scope="session")
def testbed() -> "Testbed":
    """Two sites, up. They stay up: the next run of the tests finds them there."""
    # Not at the top: every pytest run loads this file, few need what it imports.
    from testbed.testbed import Testbed

    found = Testbed()
    found.up()
    return found
