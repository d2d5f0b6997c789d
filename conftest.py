# SPDX-License-Identifier: Apache-2.0
"""Import what has the name of its distribution's folder before pytest takes that for a package.

It names a test module after its path, ``protector.tests.unit...``, and looks for ``protector``
beside this file first.
"""

import protector  # noqa: F401
import testbed  # noqa: F401
