"""The Celery application: it carries wake-ups, never facts (the outbox table is the queue)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dealops.settings")

app = Celery("dealops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
