# SPDX-License-Identifier: Apache-2.0
from collections.abc import Generator

import pytest

from testbed.operator import Operator
from testbed.testbed import Testbed

# Lines of each log.
SHOWN = 40


@pytest.fixture(scope="session")
def operator(testbed: Testbed) -> Operator:
    """Someone with the real command and a cloud entry for each site and role."""
    return Operator(testbed.clouds_yaml)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show, with a test that failed, what the sites' Protectors have said of late."""
    report = yield
    testbed = getattr(item, "funcargs", {}).get("testbed")
    if report.failed and isinstance(testbed, Testbed):
        for site in testbed.sites:
            for log in sorted(testbed.log_folder(site).glob("protector-*.log")):
                lines = log.read_text(errors="replace").splitlines()[-SHOWN:]
                report.sections.append((f"{site}: {log.name}", "\n".join(lines)))
    return report
