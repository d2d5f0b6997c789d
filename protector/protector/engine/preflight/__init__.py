# SPDX-License-Identifier: Apache-2.0
"""Preflight: whether a group can be recovered here now, and what a failover would do.

``looking`` reads everything and changes nothing; ``assessment`` judges what was read, for the
failover's first step as for a check that is asked for on its own.
"""
