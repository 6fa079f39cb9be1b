"""Static files that all test clients share.

A client sets the middleware up anew, and WhiteNoise's looks two hundred files up: ten milliseconds
and more in each of some six thousand tests. The files of a checkout stay as they are during a run.
"""

from typing import Any

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware

_look_up = WhiteNoiseMiddleware.add_files_from_finders
_found: dict[tuple[Any, ...], dict[str, Any]] = {}


def share_static_files() -> None:
    """Have WhiteNoise look the files up once for each configuration that decides on them."""
    WhiteNoiseMiddleware.add_files_from_finders = _add_found_files


def _add_found_files(self: WhiteNoiseMiddleware) -> None:
    configuration = (
        self.static_prefix,
        self.max_age,
        self.allow_all_origins,
        self.charset,
        *map(str, settings.STATICFILES_DIRS),
        *settings.STATICFILES_FINDERS,
    )
    if configuration not in _found:
        before = dict(self.files)
        _look_up(self)
        _found[configuration] = {url: file for url, file in self.files.items() if url not in before}
    self.files.update(_found[configuration])
