import os

from django.core.wsgi import get_wsgi_application

from apps.common.settled import set_loaded_aside

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

application = get_wsgi_application()
set_loaded_aside()
