# SPDX-License-Identifier: Apache-2.0
"""The plugin of the ``openstack`` command: ``openstack protector ...``."""

import argparse
from typing import Any

from osc_lib import utils

from protectorclient.service import SERVICE
from protectorclient.v1._proxy import Proxy

API_NAME = "protector"
API_VERSION_OPTION = "os_protector_api_version"
API_VERSIONS = ("1",)
DEFAULT_API_VERSION = "1"


def make_client(instance: Any) -> Proxy:
    """Return Protector's proxy, for other plugins' commands."""
    connection = instance.sdk_connection
    connection.add_service(SERVICE)
    proxy: Proxy = connection.protector
    return proxy


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--os-protector-api-version",
        metavar="<protector-api-version>",
        default=utils.env("OS_PROTECTOR_API_VERSION", default=DEFAULT_API_VERSION),
        help="Protector API version (Env: OS_PROTECTOR_API_VERSION)",
    )
    return parser
