# SPDX-License-Identifier: Apache-2.0
"""What an array holds, as it is kept in the database."""
