# SPDX-License-Identifier: Apache-2.0
"""Everything that Protector asks of others goes wrong, one call at a time."""
