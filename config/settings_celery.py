"""The broker, the worker and the beat: wake-ups only, since the database is the queue of record.

Every job finds its work in the database and may run twice or late without harm, so a lost message costs one interval.
"""

from __future__ import annotations

from typing import Any

from config import env

REDIS_URL = env.text("REDIS_URL")
# Without Redis the worker and the beat are threads of the one web process; see config.embedded.
EMBEDDED_WORKER = not REDIS_URL
WEB_PROCESSES = env.integer("WEB_CONCURRENCY", 1, minimum=1)

# A hung broker must never hold a save: kombu's own socket timeout is None, which waits for ever.
BROKER_CONNECT_SECONDS = 0.5
BROKER_ANSWER_SECONDS = 1.0

REDIS_TRANSPORT: dict[str, Any] = {
    "visibility_timeout": 120,
    # kombu looks for unacknowledged messages each interval x throttle = 10 x 10 s by default; 1 makes it 10 s.
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": BROKER_CONNECT_SECONDS,
    "socket_timeout": BROKER_ANSWER_SECONDS,
    "max_retries": 0,
    "connect_retries_timeout": BROKER_CONNECT_SECONDS,
}
# kombu polls the in-memory broker once a second by default.
MEMORY_TRANSPORT: dict[str, Any] = {"polling_interval": 0.05}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = MEMORY_TRANSPORT if EMBEDDED_WORKER else REDIS_TRANSPORT
CELERY_BROKER_CONNECTION_TIMEOUT = BROKER_CONNECT_SECONDS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_LIMIT = 10
CELERY_TASK_PUBLISH_RETRY = False

CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Below the visibility timeout: a message must not come back while its first reader still works on it.
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 50
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1_000
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"

# Intervals only: a crontab in local time skips or repeats an hour when the clocks change. Kept in code, since a sweep
# must not be switched off from a page. expires: a backlog of wake-ups is worth no more than the newest.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "records.deliver_notifications": {
        "task": "trials.records.tasks.deliver_notifications",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "records.heartbeat": {
        "task": "trials.records.tasks.beat_heartbeat",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "safety.sweep": {"task": "safety.tasks.sweep", "schedule": 60.0, "options": {"expires": 60.0}},
    "trials.sweep_reminders": {"task": "trials.tasks.sweep_reminders", "schedule": 60.0, "options": {"expires": 60.0}},
    "capture.drop_old_drafts": {
        "task": "capture.tasks.drop_old_drafts",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
}

# Published once after each act; see trials.records.services.wakeups.
WAKEUP_TASKS = ["safety.tasks.sweep", "trials.records.tasks.deliver_notifications"]
