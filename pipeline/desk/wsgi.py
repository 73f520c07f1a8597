"""The desk for a WSGI server: gunicorn pipeline.desk.wsgi:application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipeline.desk.config")
application = get_wsgi_application()
