# SPDX-License-Identifier: Apache-2.0
"""nova-compute with the driver beside this file.

Nova looks for every ``compute_driver`` in the package ``nova.virt``, so this folder joins it.
"""

import pathlib
import sys

# Nova's own command first: it chooses threads, before anything else of Nova is imported.
from nova.cmd import compute  # isort: skip
import nova.virt
import os_brick.initiator.utils

# As on a host with open-iscsi. Without it os-brick locks by the service of the volume, and Cinder
# does not know that of a volume it was given to manage.
os_brick.initiator.utils.ISCSI_SUPPORTS_MANUAL_SCAN = True

nova.virt.__path__.append(str(pathlib.Path(__file__).parent))

if __name__ == "__main__":
    sys.argv[0] = "nova-compute"
    compute.main()
