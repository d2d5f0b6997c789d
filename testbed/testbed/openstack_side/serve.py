# SPDX-License-Identifier: Apache-2.0
"""serve.py MODULE ADDRESS PORT [OPTION...]: serve the module's WSGI application.

Runs in the environment of OpenStack's services. The options are the service's own.
"""

import importlib
import sys

import waitress

# Enough for the services' calls to each other and a few clients.
THREADS = 8
# Clients keep theirs open. Beyond its limit waitress lets new ones wait, and says nothing.
CONNECTIONS = 1000


def main() -> None:
    module, address, port, *options = sys.argv[1:]
    # On import, Cinder and Neutron take sys.argv for their own command line.
    sys.argv = [f"{module.split('.')[0]}-api", *options]
    application = importlib.import_module(module).application
    waitress.serve(
        application,
        host=address,
        port=int(port),
        threads=THREADS,
        connection_limit=CONNECTIONS,
        ident=None,
        channel_timeout=300,
        clear_untrusted_proxy_headers=True,
    )


if __name__ == "__main__":
    main()
