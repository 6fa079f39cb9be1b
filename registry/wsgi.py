import os
from collections.abc import Callable

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.utils.module_loading import import_string

from apps.common.postgresql.limits import ProcessKind
from apps.common.processes.heap import freeze_heap
from apps.common.requests import health
from registry.process_kind import declare_process
from registry.server.request_bodies import CallerRules

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
declare_process(ProcessKind.WEB)

application = get_wsgi_application()


def _close_connections_after(check: Callable[[], health.Report]) -> Callable[[], health.Report]:
    """Run a check in a thread, so that it leaves no connection behind: the thread ends with it."""

    def run() -> health.Report:
        try:
            return check()
        finally:
            connections.close_all()

    return run


# rules that the web server applies before it calls Django (registry/serving.py)
CALLERS = CallerRules(
    # imports models, which are loaded only now
    knows=import_string("registry.callers.is_known"),
    session_cookie=settings.SESSION_COOKIE_NAME,
    n_proxies=settings.TRUSTED_PROXIES,
)
# requests that the web server rejects are logged and counted in /metrics as well
RECORD_REFUSAL = import_string("apps.common.requests.access_log.record_refusal")
PROBES = {path: _close_connections_after(check) for path, check in health.probes().items()}

freeze_heap()
