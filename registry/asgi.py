import os

from django.core.asgi import get_asgi_application

from apps.common.postgresql.limits import ProcessKind
from registry.process_kind import declare_process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
declare_process(ProcessKind.WEB)

application = get_asgi_application()
