"""Entry point of asynchronous web servers; the pages themselves are synchronous."""

from django.core.asgi import get_asgi_application

from config import env

env.use_settings()
application = get_asgi_application()
