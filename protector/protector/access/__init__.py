# SPDX-License-Identifier: Apache-2.0
"""The rules of access, one file a resource."""

from oslo_config import cfg
from oslo_policy import policy

from protector.access import group, operation, peer, site, tenant_mapping


def list_rules() -> list[policy.DocumentedRuleDefault]:
    return [
        *site.RULES,
        *tenant_mapping.RULES,
        *group.RULES,
        *operation.RULES,
        *peer.RULES,
    ]


def make_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(list_rules())
    return enforcer
