# SPDX-License-Identifier: Apache-2.0
"""Purity's REST API 2.x: one file per family of resources."""
