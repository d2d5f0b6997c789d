# SPDX-License-Identifier: Apache-2.0
"""The testbed as a fixture of pytest: the one that runs, or else one that is brought up."""

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testbed.testbed import Testbed

FOUND = pytest.StashKey["Testbed"]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Bring it up before the first test that needs it: that test's time is limited."""
    stash = item.session.stash
    if "testbed" in getattr(item, "fixturenames", ()) and FOUND not in stash:
        # Not at the top: every pytest run loads this file, few need what it imports.
        from testbed.errors import BrokenTestbed
        from testbed.testbed import Testbed

        stash[FOUND] = Testbed()
        with contextlib.suppress(BrokenTestbed):  # The fixture meets the same, and tells of it.
            stash[FOUND].up()
    return (yield)


@pytest.fixture(scope="session")
def testbed(request: pytest.FixtureRequest) -> "Testbed":
    """Two sites, up. They stay up: the next run of the tests finds them there."""
    found: Testbed = request.session.stash[FOUND]
    found.up()
    return found
