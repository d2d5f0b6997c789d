# SPDX-License-Identifier: Apache-2.0
"""The one error of the testbed: a sentence for the person who typed the command."""


class BrokenTestbed(Exception):
    """Something did not start, answer or end; the text names it and where to look."""
