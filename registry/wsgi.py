import os

from django.core.wsgi import get_wsgi_application

from apps.common.postgresql.limits import ProcessKind
from apps.common.settled import set_loaded_aside
from registry.process_kind import declare_process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
declare_process(ProcessKind.WEB)

application = get_wsgi_application()
set_loaded_aside()
