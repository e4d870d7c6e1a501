"""Deliver what is due without a worker or a broker."""

from django.core.management.base import BaseCommand

from dealops.audit import context
from dealops.outbox import relay
from dealops.outbox.tasks import QUEUES


class Command(BaseCommand):
    help = "Deliver every outbox message that is due, on all queues, and say how many were taken."

    def handle(self, **options: object) -> None:
        with context.through("command"):
            for queue in QUEUES:
                self.stdout.write(f"{queue}: {relay.drain(queue=queue)} taken")
