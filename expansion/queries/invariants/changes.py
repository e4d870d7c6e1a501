"""Applied changes: one outcome each, documents as shown, movements that add up (M05, M06, M20, M23, M24, M28)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from billing.models import Document, PendingLine
from billing.queries.invariants.finding import rows
from expansion.models import Change

Found = Iterator[tuple[str, str]]

# Why an applied change may have no document of its own; the first two leave lines that wait for the next invoice.
DEFERRED = {"next_invoice", "below_minimum"}
NO_DOCUMENT = DEFERRED | {
    "no_difference", "rounds_to_nothing", "policy_none", "starts_with_next_invoice", "arrears", "waived", "waiver_reversed", "at_renewal",
    "nothing_to_credit", "withdrawn",
}  # fmt: skip
# The columns of a line that a reader sees, as the impact and the document call them.
SHOWN = (
    ("product", "product_code"), ("side", "side"), ("quantity", "quantity"), ("unit_price", "unit_price"), ("starts", "service_start"),
    ("ends", "service_end"), ("net", "net"), ("tax", "tax"), ("explanation", "explanation"),
)  # fmt: skip


def _applied() -> Iterator[Change]:
    needed = ("number", "document_number", "treatment", "waiver_reason", "policy", "mechanisms", "impact")
    return Change.objects.filter(state="applied").only(*needed).order_by("pk").iterator(chunk_size=500)


def _documents() -> QuerySet[Document]:
    """What was issued for changes at once."""
    return Document.objects.filter(origin="one_off").only("number", "kind", "reference").order_by("pk")


def _by_change(documents: QuerySet[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        found[document.reference].append(document)
    return found


def _wanted(impact: dict[str, Any]) -> str:
    """The kind of document that was agreed: now, or for the day of a scheduled change."""
    return impact["expected_document"] or impact["document"]


def one_outcome() -> Found:
    """M05: one invoice, one credit note, lines that wait for the next invoice, or nothing and the reason; never none, never two."""
    documents = _by_change(_documents())
    waiting = set(PendingLine.objects.values_list("reference", flat=True))
    for change in _applied():
        issued = documents.get(change.number, [])
        wanted = _wanted(change.impact)
        if wanted != "none":
            if [document.kind for document in issued] != [wanted]:
                have = ", ".join(document.number for document in issued) or "none"
                yield change.permalink, f"should have one {wanted.replace('_', ' ')}, but has {have}"
            elif issued[0].number != change.document_number:
                yield change.permalink, f"names {change.document_number or 'no document'}, but its document is {issued[0].number}"
        elif issued:
            yield change.permalink, f"should have no document, but has {', '.join(document.number for document in issued)}"
        elif change.impact["why_code"] not in NO_DOCUMENT:
            yield change.permalink, "has no document and no reason why"
        elif change.impact["why_code"] in DEFERRED and change.number not in waiting:
            yield change.permalink, "left its amount to the next invoice, but nothing waits for it"


def waivers_have_reasons() -> Found:
    """M06: what is not credited by choice has a reason of ten letters at least; what is not credited by policy names the rule."""
    for change in _applied():
        if Decimal(change.impact["waived"]) <= 0:
            continue
        if change.treatment == "no_adjustment" and len(change.waiver_reason) < 10:
            yield change.permalink, f"waives {change.impact['waived']} without a reason"
        elif not change.treatment and not change.policy.get("rules", {}).get("treatment"):
            yield change.permalink, f"waives {change.impact['waived']} by no rule"


def base_versions_hold() -> Found:
    """M20: an applied change made the version after the one it was computed on, from its own day on; no version is missing."""
    for number, base, version, effective in rows(
        """
        SELECT c.number, c.base_version, v.number, v.effective
          FROM expansion_change c
          JOIN expansion_deal d ON d.id = c.deal_id
          LEFT JOIN billing_contractversion v ON v.contract_id = d.contract_id AND v.reference = c.number
         WHERE c.state = 'applied' AND (v.id IS NULL OR v.number <> c.base_version + 1 OR v.effective <> c.effective)
        """
    ):
        made = f"made version {version} from {effective}" if version else "made no version"
        yield f"change:{number}", f"was computed on version {base} and {made}"
    for number, reference in rows(
        """
        SELECT k.number, v.reference
          FROM billing_contractversion v JOIN billing_contract k ON k.id = v.contract_id
         WHERE v.reference LIKE 'CH-%'
           AND NOT EXISTS (SELECT 1 FROM expansion_change c WHERE c.number = v.reference AND c.state = 'applied')
        """
    ):
        yield f"contract:{number}", f"has a version of {reference}, which was never applied"
    for number, version, highest, count in rows(
        """
        SELECT k.number, k.version, max(v.number), count(*)
          FROM billing_contract k JOIN billing_contractversion v ON v.contract_id = k.id
         GROUP BY k.id HAVING k.version <> max(v.number) OR count(*) <> max(v.number)
        """
    ):
        yield f"contract:{number}", f"says version {version}, has {count} up to {highest}"


def reversals_cancel_out() -> Found:
    """M23: a reversal right after its change, with no day of billing in between, bills the same with the opposite sign."""
    # Applied at no known moment is for M19 to say.
    timed = Change.objects.filter(state="applied", reverses__isnull=False, applied_at__isnull=False, reverses__applied_at__isnull=False)
    for change in timed.select_related("reverses", "deal__contract"):
        original = change.reverses
        contract = change.deal.contract
        between = contract.documents.filter(issued_at__gt=original.applied_at, issued_at__lte=change.applied_at, origin="recurring")
        # An invoice with nothing to bill is never issued; its period is billed all the same.
        days = [date.fromisoformat(invoice["date"]) for invoice in original.impact.get("invoices_after", ())]
        has_billed = any(original.applied_at.date() <= day <= change.applied_at.date() for day in days) or between.exists()
        if change.base_version != original.base_version + 1 or has_billed:
            continue
        if PendingLine.objects.filter(reference__in=[original.number, change.number], withdrawn_by="").exists():
            continue
        issued = Document.objects.filter(reference__in=[original.number, change.number])
        left = sum((document.total if document.kind == "invoice" else -document.total for document in issued), Decimal(0))
        if left:
            yield change.permalink, f"takes {original.number} back, but {left:f} is left"


def documents_are_previews() -> Found:
    """M24: a one-off document carries, line by line, what was shown and agreed."""
    documents = _by_change(_documents().prefetch_related("lines"))
    for change in _applied():
        shown = [line for line in change.impact["lines"] if line["outcome"] == "document"]
        for document in documents.get(change.number, []):
            issued = sorted(document.lines.all(), key=lambda line: line.position)
            if len(issued) != len(shown):
                yield document.permalink, f"has {len(issued)} lines, {len(shown)} were shown with {change.number}"
                continue
            for row, line in zip(issued, shown, strict=True):
                wrong = [name for name, column in SHOWN if not _same(line[name], getattr(row, column))]
                if wrong:
                    yield document.permalink, f"line {row.position} is not what {change.number} showed: {', '.join(wrong)}"


def _same(shown: str, issued: Any) -> bool:
    return Decimal(shown) == issued if isinstance(issued, Decimal) else shown == str(issued)


def movements_add_up() -> Found:
    """M28: every movement of an applied change has a mechanism where value moves, and together they are the change of recurring revenue."""
    for change in _applied():
        movements = change.impact["movements"]
        untold = [one["family"] for one in movements if Decimal(one["mrr_delta"]) and not one["mechanism"]]
        if untold:
            yield change.permalink, f"moves recurring revenue of {', '.join(untold)} without a mechanism"
        if list(dict.fromkeys(one["mechanism"] for one in movements if one["mechanism"])) != list(change.mechanisms):
            yield change.permalink, f"is tagged {', '.join(change.mechanisms) or 'nothing'}, its movements say otherwise"
        moved = sum((Decimal(one["mrr_delta"]) for one in movements), Decimal(0))
        whole = Decimal(change.impact["mrr_at_renewal"]) - Decimal(change.impact["mrr_before"])
        if moved != whole and not change.deal.contract.fixed_discount:
            yield change.permalink, f"moves recurring revenue by {whole:f}, its families by {moved:f}"
