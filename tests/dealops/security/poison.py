"""Hostile words in every column that takes words from outside: from people, callers of the API, imported files, other systems (F91, F92).

A new column is among them by itself. One that is not has to be named in OURS, with the reason why nothing from outside reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pgtrigger
from django.apps import apps
from django.db import Error, models, transaction

from dealops.accounts.sealing import EncryptedTextField
from tests.dealops.security.payloads import MARK

APPS = ("accounts", "audit", "billing", "expansion", "outbox")
MADE_HERE = "dealops makes it: a number, a hash, a key, a signature"
A_CODE = "letters, digits and dashes, checked where it is typed; it is part of addresses"
A_WORD = "one of a few words of ours, which the code compares"
CLOSED = "chosen from a closed list: currencies, countries, time zones"
# What is no words from outside: the name of a column, or app.Model.column.
OURS: dict[str, str] = {
    **dict.fromkeys(("number", "digest", "start", "key", "request_id", "document_number", "slug", "path", "pgh_database_user"), MADE_HERE),
    **dict.fromkeys(
        ("password", "hash", "last_hash", "previous_hash", "content_hash", "executed_hash", "checksum", "signature"), MADE_HERE
    ),
    **dict.fromkeys(("code", "family", "prefix", "number_prefix", "crm_id"), A_CODE),
    **dict.fromkeys(("via", "topic", "queue", "event", "kind", "gate", "guardrail", "mechanism", "route", "trigger", "listing"), A_WORD),
    **dict.fromkeys(("currency", "approval_currency", "limit_currency", "country", "time_zone"), CLOSED),
    "billing.Document.reference": MADE_HERE,
    "billing.PendingLine.withdrawn_by": MADE_HERE,
    "billing.PendingLineHistory.withdrawn_by": MADE_HERE,
    "expansion.Handoff.team": A_WORD,
}
# Of these a row needs more than the first of everything.
SPECIAL: dict[str, dict[str, Any]] = {
    "billing.Correction": {"total": 2},
    "accounts.ApiToken": {"digest": "0" * 64},
    "expansion.OfferLimit": {"id": 1},  # there is one row at most
    "expansion.Notice": {"signal": None},  # it is about one thing
}
# No row is made of these: one that makes sense takes two of something, and they hold no words.
NO_WORDS = {"expansion.Affiliation", "expansion.Commitment"}
# Mark-up that must not come alive, from the longest that fits.
LONG = f"'\"><script>{MARK}()</script><img src=x onerror={MARK}()>{{{{7*7}}}}"
MIDDLE = f"'\"><img src=x onerror={MARK}>"
SHORT = "'\"><b x=4711>"
TINY = "<i>"
ALIVE = (f"<script>{MARK}", "<img src=x onerror=", "<b x=4711>", f'href="javascript:{MARK}')


def columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column of words of every model that is not in OURS."""
    yield from _fields(models.CharField | models.TextField)


def _models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in APPS and model._meta.managed and not model._meta.proxy]


def _fields(kind: Any) -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    for model in _models():
        for field in model._meta.concrete_fields:
            ours = field.name in OURS or f"{model._meta.label}.{field.name}" in OURS
            if isinstance(field, kind) and not isinstance(field, EncryptedTextField) and not field.choices and not ours:
                yield model, field


def worst(field: models.Field[Any, Any], words: str = "") -> str:
    """What to put into this column: the beginning of `words`, or else the most hostile that fits."""
    room = field.max_length or 2000
    if isinstance(field, models.EmailField):
        return f'"<img src=x onerror={MARK}>"@x.test'
    if isinstance(field, models.URLField):
        return f"javascript:{MARK}()//"
    if words:
        return words[:room]
    return next(text for text in (LONG, MIDDLE, SHORT, TINY, "") if len(text) <= room)


def poison(words: str = "", *, besides: str = "", empty: bool = False) -> int:
    """Puts `words`, or else the worst, into every column that holds something; answers how many columns hold it now.

    Rows with `besides` in a column keep it. With `empty` also what is empty is filled, and every sentence inside JSON.
    """
    count = 0
    with pgtrigger.ignore():
        for model, field in columns():
            rows = model._base_manager.filter(**{f"{field.name}__isnull": False})
            rows = rows if empty else rows.exclude(**{field.name: ""})
            if besides:
                rows = rows.exclude(**{f"{field.name}__icontains": besides})
            with transaction.atomic():
                count += _fill(rows, field, worst(field, words)) > 0
        for model, field in sheets() if empty else ():
            count += _fill_inside(model, field, besides) > 0
    return count


def sheets() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column of JSON that is not in OURS."""
    yield from _fields(models.JSONField)


def _fill_inside(model: type[models.Model], field: models.Field[Any, Any], besides: str) -> int:
    """Every sentence in the JSON of this column; what has no blank in it may be a code, an amount or a day."""
    count = 0
    for row in model._base_manager.exclude(**{field.name: None}):
        value = getattr(row, field.attname)
        hostile = _spoiled(value, besides)
        if hostile != value:
            count += model._base_manager.filter(pk=row.pk).update(**{field.name: hostile})
    return count


def _spoiled(value: Any, besides: str) -> Any:
    if isinstance(value, str):
        return LONG if " " in value.strip() and not (besides and besides in value) else value
    if isinstance(value, dict):
        return {key: _spoiled(inner, besides) for key, inner in value.items()}
    return [_spoiled(inner, besides) for inner in value] if isinstance(value, list) else value


def a_row_of_every_model(*, day: Any, at: Any) -> dict[str, str]:
    """Makes a row of each model that has none, with the first of everything it points at; answers why it could not, by model."""
    failed: dict[str, str] = {}
    for _ in range(2):  # what points at a row that comes later has it the second time
        failed = {}
        with pgtrigger.ignore():
            for model in _models():
                if model._meta.label not in NO_WORDS and not model._base_manager.exists():
                    try:
                        with transaction.atomic():
                            model._base_manager.bulk_create([_row(model, day, at)])
                    except (Error, ValueError, TypeError) as error:
                        failed[model._meta.label] = str(error).splitlines()[0]
    return failed


def _row(model: type[models.Model], day: Any, at: Any) -> models.Model:
    values: dict[str, Any] = {}
    for place, field in enumerate(model._meta.concrete_fields):
        if (field.primary_key and not field.remote_field) or field.has_default():
            continue
        if field.remote_field:
            other = field.related_model._base_manager.first()
            if other is not None and (not field.null or not field.name.startswith(("closed", "revoked", "reverted"))):
                values[field.name] = other
        elif field.choices:
            values[field.name] = field.choices[0][0]
        elif not field.null:
            values[field.name] = _value(field, day, at + timedelta(minutes=place))
    return model(**values | SPECIAL.get(model._meta.label, {}))


def _value(field: models.Field[Any, Any], day: Any, at: Any) -> Any:
    kinds = (
        (models.DateTimeField, at),
        (models.DateField, day),
        (models.DecimalField, 1),
        (models.BooleanField, True),
        (models.UUIDField, uuid4()),
        (models.IntegerField, 1),
        (models.JSONField, {}),
        (models.CharField | models.TextField, "word"[: field.max_length or 9]),
    )
    return next((value for kind, value in kinds if isinstance(field, kind)), None)


def _fill(rows: models.QuerySet[Any], field: models.Field[Any, Any], text: str) -> int:
    if not field.unique:
        return rows.update(**{field.name: text})
    room = (field.max_length or 2000) - 8
    is_email = isinstance(field, models.EmailField)
    each = [(pk, text.replace("<", f"<{pk}", 1) if is_email else f"{text[:room]}{pk}") for pk in rows.values_list("pk", flat=True)]
    return sum(rows.model._base_manager.filter(pk=pk).update(**{field.name: words}) for pk, words in each)
