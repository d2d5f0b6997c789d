# SPDX-License-Identifier: Apache-2.0
"""The runbook: the same prepared list as an operator's shell script, one command after the other.

The array is asked by curl, which is quicker than any way an operator has into it; no VM is waited
for before the next one is begun.
"""

import shlex
from collections.abc import Iterator
from typing import Any

HEAD = """set -euo pipefail
copy() {{
    curl --silent --show-error --fail --cacert {ca} --header "x-auth-token: $session" \\
        --json "{{\\"source\\": {{\\"name\\": \\"$1\\"}}}}" --output /dev/null \\
        "{array}/volumes?names=$2&with_default_protection=false"
}}
manage() {{
    openstack volume create --remote-source "source-name=$1" --host {pool} --type {type} \\
        "$3" --format value --column id "$2"
}}
wait_until_available() {{
    until [ "$(openstack volume show --format value --column status "$1")" = available ]; do
        sleep 1
    done
}}
active() {{
    openstack server list --status ACTIVE --format value --column ID | wc -l
}}
session=$(curl --silent --show-error --fail --cacert {ca} --request POST --output /dev/null \\
    --header 'api-token: {api_token}' --dump-header - {array}/login |
    tr -d '\\r' | sed -n 's/^x-auth-token: //Ip')
"""
DISK = "source_type=volume,destination_type=volume,boot_index=-1"
TAIL = 'until [ "$(active)" -ge {count} ]; do sleep 1; done\n'


def script(wanted: dict[str, Any]) -> str:
    first = wanted["vms"][0]["volumes"][0]["manage"]
    head = HEAD.format(
        ca=wanted["ca"],
        array=wanted["array"],
        api_token=wanted["api_token"],
        pool=first["host"],
        type=first["volume_type"],
    )
    commands = [line for vm in wanted["vms"] for line in _vm(vm)]
    return head + "\n".join(commands) + "\n" + TAIL.format(count=len(wanted["vms"]))


def _vm(vm: dict[str, Any]) -> Iterator[str]:
    for number, volume in enumerate(vm["volumes"]):
        manage = volume["manage"]
        source = manage["ref"]["source-name"]
        bootable = "--bootable" if manage["bootable"] else "--non-bootable"
        yield _command("copy", volume["snapshot"], source)
        yield f"volume{number}=$({_command('manage', source, manage['name'], bootable)})"
    for number in range(len(vm["volumes"])):
        yield f'wait_until_available "$volume{number}"'
    yield f"port=$({_port(vm['port'])})"
    yield _server(vm)


def _port(port: dict[str, Any]) -> str:
    (fixed,) = port["fixed_ips"]
    return _command(
        *("openstack", "port", "create", "--network", port["network_id"]),
        *("--fixed-ip", f"subnet={fixed['subnet_id']},ip-address={fixed['ip_address']}"),
        *("--mac-address", port["mac_address"]),
        *(word for group in port["security_groups"] for word in ("--security-group", group)),
        *("--format", "value", "--column", "id", port["name"]),
    )


def _server(vm: dict[str, Any]) -> str:
    server = vm["server"]
    disks = [
        f'--block-device "uuid=$volume{number},{DISK}"' for number in range(1, len(vm["volumes"]))
    ]
    properties = [f"{name}={value}" for name, value in server["metadata"].items()]
    begin = _command(
        *("openstack", "server", "create", "--flavor", server["flavorRef"]),
        *("--key-name", server["key_name"]),
        *(word for one in properties for word in ("--property", one)),
    )
    end = f'--volume "$volume0" {" ".join(disks)} --port "$port"'
    return f"{begin} {end} {shlex.quote(server['name'])} >/dev/null"


def _command(*words: str) -> str:
    return shlex.join(words)
