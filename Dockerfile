# One image for every service; docker-compose.yml says which command each runs.
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    PRODUCTION=1 \
    DATA_DIR=/data

RUN pip install --no-cache-dir "uv>=0.9,<1" \
    && groupadd --system --gid 10001 dayzero \
    && useradd --system --uid 10001 --gid dayzero --home-dir /app --shell /usr/sbin/nologin dayzero \
    && install -d -o dayzero -g dayzero /app /data

WORKDIR /app

# The dependencies first and alone, so that a change of code does not fetch them anew.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project

COPY . .
# Static files need settings but no secret of an installation; this one is gone with the step.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(50))')" ALLOWED_HOSTS=localhost \
    python manage.py collectstatic --noinput --verbosity 0

USER dayzero
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=4 CMD ["python", "manage.py", "probe", "web"]

# --no-control-socket: gunicorn would open one under the home folder, which is not writable.
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--threads", "8", "--max-requests", "5000", "--max-requests-jitter", "500", "--graceful-timeout", "30", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
