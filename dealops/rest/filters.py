"""Filters of lists: a parameter nobody knows is refused, so that a typing error never shows more than was asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import exceptions
from rest_framework.request import Request

PAGE_PARAMETERS = {"cursor", "page_size"}


class StrictFilterBackend(DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = set(filterset.form.fields) if filterset is not None else set()
        unknown = set(request.query_params) - known - PAGE_PARAMETERS
        if unknown:
            words = f"This filter is not known here. Known: {', '.join(sorted(known | PAGE_PARAMETERS))}."
            raise exceptions.ValidationError({str(name)[:60]: [words] for name in sorted(unknown)})
        return super().filter_queryset(request, queryset, view)
