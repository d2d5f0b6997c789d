# SPDX-License-Identifier: Apache-2.0
"""Import what has the name of its distribution's folder before pytest takes that for a package.

It names a test module after its path, ``protector.tests.unit...``, and looks for ``protector``
beside this file first.
"""

import protector  # noqa: F401
import testbed  # noqa: F401


def pytest_make_parametrize_id(val: object) -> str | None:
    """Keep colons out of tests' names: gabbi takes every test with one for its own."""
    return val.replace(":", " ") if isinstance(val, str) and ":" in val else None
