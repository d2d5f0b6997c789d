# SPDX-License-Identifier: Apache-2.0
import pytest

from testbed.operator import Operator
from testbed.testbed import Testbed


@pytest.fixture(scope="session")
def operator(testbed: Testbed) -> Operator:
    """Someone with the real command and a cloud entry for each site and role."""
    return Operator(testbed.clouds_yaml)
