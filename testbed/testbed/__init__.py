# SPDX-License-Identifier: Apache-2.0
"""Two complete OpenStack sites on one machine, to kill and to start again."""
