"""Entry point of the web servers."""

from django.core.wsgi import get_wsgi_application

from config import env

env.use_settings()
application = get_wsgi_application()
