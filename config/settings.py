"""All settings: the base first, then what depends on the environment, then the rooms' own, which have the last word."""

from config.settings_base import *  # noqa: F403
from config.settings_celery import *  # noqa: F403
from config.settings_database import *  # noqa: F403
from config.settings_logging import *  # noqa: F403
from config.settings_mail import *  # noqa: F403
from config.settings_security import *  # noqa: F403
from config.settings_static import *  # noqa: F403

# isort: split
from config.settings_access import *  # noqa: F403
from config.settings_rest import *  # noqa: F403
from config.settings_unfold import *  # noqa: F403
