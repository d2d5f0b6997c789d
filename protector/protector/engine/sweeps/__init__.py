# SPDX-License-Identifier: Apache-2.0
"""What an engine looks after by itself, every so often, without anybody asking."""
