"""Environment variables: typed readers, with a sentence if a value cannot be read."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Variables(environ.Env):  # type: ignore[misc]
    def get_value(
        self,
        var: Any,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        """Return the value of the variable as its type; ImproperlyConfigured with a readable
        sentence if it does not parse."""
        try:
            return super().get_value(var, cast=cast, default=default, parse_default=parse_default)
        except ValueError:
            raise ImproperlyConfigured(
                f"{var} must be a {_KINDS.get(cast, 'value')}, not '{self.ENVIRON[var]}'."
            ) from None


_KINDS = {int: "whole number", float: "number"}
