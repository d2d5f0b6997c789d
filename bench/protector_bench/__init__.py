# SPDX-License-Identifier: Apache-2.0
"""What Protector costs, beside what nobody can do without."""
