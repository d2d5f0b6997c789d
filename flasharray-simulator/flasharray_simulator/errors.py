# SPDX-License-Identifier: Apache-2.0
"""What the simulator refuses, and says so."""


class Refusal(Exception):
    """A request an array refuses; nothing of it is done.

    :param context: the name of the thing, as arrays give it beside the message.
    """

    def __init__(self, message: str, context: str | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.status = status


class BadSettings(Exception):
    """The configuration file, or what the control port was told, makes no sense."""
