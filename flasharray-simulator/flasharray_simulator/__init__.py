# SPDX-License-Identifier: Apache-2.0
"""Pure Storage FlashArrays over HTTPS, for tests of what is built on them."""
