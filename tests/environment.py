"""Environments in which settings are read."""

import environ


class Given(environ.Env):
    """An environment with these variables and no others."""

    def __init__(self, **variables: str) -> None:
        super().__init__()
        self.ENVIRON = variables
