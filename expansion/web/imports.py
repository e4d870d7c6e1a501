"""Deals out of a HubSpot file: upload, say what the columns are, preview; the preview is a bulk job that somebody starts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from billing.clock import now
from billing.domain.refusal import Refusal
from billing.models import LegalEntity, Product
from expansion.domain import deal_file
from expansion.models import ImportFile
from expansion.operations import bulk, importing, owners
from expansion.operations.bulk_actions import import_candidates
from expansion.web.frame import page, section, status_of


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def upload(request: HttpRequest) -> HttpResponse:
    """Choose a file; posted, it is kept and its columns are guessed."""
    _only_importers(request)
    if request.method != "POST":
        return page(request, "imports/upload.html", title="Import deals")
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Refusal("no_file", "file", "Choose a file first.")
        if file.size > deal_file.LARGEST:
            raise Refusal("too_large", "file", "The file is larger than 5 MB. Export fewer deals at once.")
        kept = importing.upload(name=file.name or "deals.csv", content=file.read(), by=request.user, now=now())
    except Refusal as refusal:
        return page(request, "imports/upload.html", title="Import deals", status=status_of(refusal), problem=refusal.message)
    return HttpResponseRedirect(f"/deals/import/{kept.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """What the columns are; posted, every row is planned and the preview opens."""
    _only_importers(request)
    file = ImportFile.objects.filter(pk=pk, by=request.user).first()
    if file is None:
        raise Http404("There is no such file of yours. Upload it again.")
    if request.method != "POST":
        return _columns(request, file)
    mapping = {name: request.POST.get(f"map_{name}", "") for name in deal_file.FIELDS}
    choices = {name: request.POST.get(name, "") for name in ("entity", "product", "term", "owner")}
    try:
        file = importing.remap(file_id=file.pk, mapping=mapping, choices=choices, by=request.user)
        planned = import_candidates(importing.plan(file=file, now=now()))
        job = bulk.prepare(kind="import", candidates=planned, by=request.user, now=now(), settings={"file": file.name})
    except Refusal as refusal:
        file.mapping, file.choices = mapping, choices
        return _columns(request, file, problem=refusal.message, status=status_of(refusal))
    importing.attach(file_id=file.pk, job=job)
    return HttpResponseRedirect(f"/bulk/{job.pk}")


def _columns(request: HttpRequest, file: ImportFile, *, problem: str = "", status: int = 200) -> HttpResponse:
    _, first = next(deal_file.opened(file.text).rows())
    fields: list[dict[str, Any]] = [
        {
            "name": name,
            "title": words,
            "head": file.mapping.get(name, ""),
            "required": name in deal_file.REQUIRED,
            "example": first.get(file.mapping.get(name, ""), "")[:60],
        }
        for name, (words, _) in deal_file.FIELDS.items()
    ]
    return page(
        request,
        "imports/map.html",
        title="Import deals",
        status=status,
        file=file,
        fields=fields,
        entities=LegalEntity.objects.order_by("name"),
        products=Product.objects.filter(is_active=True, is_recurring=True).order_by("family", "tier", "name"),
        terms=importing.TERMS,
        owners=owners.possible(),
        choices={"term": 12, **file.choices},
        problem=problem,
    )


def _only_importers(request: HttpRequest) -> None:
    refusal = importing.why_not_import(request.user)
    if refusal:
        raise PermissionDenied(refusal)
