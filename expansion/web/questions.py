"""The maker's answer to a question, on the page of the change; and the rules that ask for approvals, to read."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now
from dealops.accounts.models import Role
from expansion.models import ApprovalRule
from expansion.operations import questions
from expansion.queries.approval_rules import no_rules
from expansion.web.changes import change_or_404
from expansion.web.doing import carried_out
from expansion.web.frame import page, section


@require_POST
@section("changes")
def answer(request: HttpRequest, number: str) -> HttpResponse:
    """Answer the open question about this change."""
    found = change_or_404(request, number)
    question = found.questions.filter(answered_at__isnull=True).first()
    if question is None:
        raise Http404(f"Nobody asked anything about {number} that is not answered.")

    def act() -> str:
        questions.answer(question_id=question.pk, text=request.POST.get("text", ""), by=request.user, now=now())
        return f"{question.by.name} has your answer. The time to decide runs again."

    carried_out(request, act)
    return HttpResponseRedirect(reverse("change", args=[number]) + "#approvals")


@require_safe
@section("changes")
def rules(request: HttpRequest) -> HttpResponse:
    """Which changes need whose approval, in words. RevOps edits them in the admin."""
    rows = [{"rule": rule, "asks": _asks(rule)} for rule in ApprovalRule.objects.order_by("position", "pk")]
    may_edit = request.user.role == Role.REVOPS and request.user.is_staff
    return page(request, "approvals/rules.html", title="Approval rules", rows=rows, may_edit=may_edit, no_rules=no_rules())


def _asks(rule: ApprovalRule) -> list[str]:
    """What one rule asks for, each part in words; nothing means every change."""
    parts = [
        f"future invoice owned by {rule.get_owner_display()}" if rule.owner else "",
        rule.get_mechanism_display() if rule.mechanism else "",
        rule.get_document_display() if rule.document else "",
        f"net {rule.amount_from.normalize():,f} {rule.currency} or more" if rule.amount_from is not None else "",
        f"in {rule.currency}" if rule.currency and rule.amount_from is None else "",
        f"discount of {rule.discount_from.normalize():f} % or more" if rule.discount_from is not None else "",
        f"backdated by {rule.days_back_from} days or more" if rule.days_back_from is not None else "",
        "reaches a closed period" if rule.prior_period else "",
        "waives a credit" if rule.waiver else "",
        "sets a price by hand" if rule.price_set else "",
    ]
    return [part for part in parts if part] or ["every change"]
