"""What to do when an outbox message is picked up: read the row as it is now, call the adapter, note the outcome. Twice does no harm."""

from billing.connections import tokens_from
from billing.handlers import corrections, documents, documents_in_bulk, mailing, reconcile, templates
from billing.handlers.tokens import access_token
from billing.operations.postings import DOCUMENT_TOPIC, KEPT_TOPIC, MAIL_TOPIC, TEMPLATE_TOPIC
from billing.operations.reconcile import CORRECTION_TOPIC, RECONCILE_TOPIC
from dealops.outbox import handlers


def register() -> None:
    together = handlers.Together(most=documents_in_bulk.most, deliver=documents_in_bulk.post)
    handlers.register(DOCUMENT_TOPIC, documents.post, together=together)
    handlers.register(TEMPLATE_TOPIC, templates.replace)
    handlers.register(MAIL_TOPIC, mailing.send)
    handlers.register(KEPT_TOPIC, mailing.kept)
    handlers.register(CORRECTION_TOPIC, corrections.post)
    handlers.register(RECONCILE_TOPIC, reconcile.asked)
    tokens_from(access_token)
