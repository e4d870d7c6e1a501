"""What HubSpot says about a deal beside what we say, and what of it waits for a person (F53-F57)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, QuerySet

from billing.models import Contract, ContractLine
from billing.queries import recurring_rows
from dealops.accounts.models import User
from dealops.outbox.models import Message
from dealops.outbox.models import State as MessageState
from expansion.domain.crm import LineItem, OwnLine, Wish, number, plain, same_amount, wish
from expansion.domain.crm_lines import Former, Sending, Writing, agreed, writing
from expansion.domain.pipelines import OF_MECHANISM
from expansion.domain.workflow import OPEN, State
from expansion.models import Change, CrmEvent, CrmLink, CrmProposal, CrmStage, Deal
from expansion.queries.catalogue import sellable_on
from expansion.scope import visible

READ_TOPIC, WRITE_TOPIC, LINES_TOPIC, POLL_TOPIC = "crm.read", "crm.write", "crm.write_lines", "crm.poll"
PAGE_SIZE = 50
# Properties of a HubSpot deal as we write them.
AMOUNT, PIPELINE, STAGE, OUR_NUMBER, OUR_CONTRACT = "amount", "pipeline", "dealstage", "dealops_deal", "dealops_contract"
MECHANISM, LINES = "dealops_mechanism", "line_items"


def is_connected() -> bool:
    return bool(settings.HUBSPOT_TOKEN)


def why_frozen(deal_id: int) -> str | None:
    """Why no change of this deal may go on: its record in HubSpot was deleted, or merged with another deal's (F53, F54)."""
    return CrmLink.objects.filter(deal_id=deal_id).exclude(state=CrmLink.State.LINKED).values_list("words", flat=True).first()


def wanted(deal: Deal) -> dict[str, str]:
    """What HubSpot should hold about a deal: amount, our ids, how it grew or shrank last, pipeline and stage where they are mapped."""
    values = {AMOUNT: plain(deal.amount), OUR_NUMBER: deal.number, OUR_CONTRACT: deal.contract.number}
    stage = CrmStage.objects.filter(stage=deal.stage_id).first()
    newest = Change.objects.filter(deal=deal, state=State.APPLIED).order_by("-applied_at", "-pk").first()
    values |= {MECHANISM: ";".join(newest.mechanisms)} if newest and newest.mechanisms else {}
    return values | ({PIPELINE: stage.remote_pipeline, STAGE: stage.remote_stage} if stage else {})


def will_write(change: Change) -> dict[str, str]:
    """What HubSpot is told when this change takes effect, property by property, before anything is (S0-05). Two queries.

    Nothing without a connection or a record there, and nothing of a change that has ended or taken effect.
    """
    deal = change.deal
    if not deal.crm_id or not is_connected() or change.state not in (*OPEN, State.SCHEDULED):
        return {}
    board = OF_MECHANISM.get(change.mechanism, deal.pipeline.code)
    stage = CrmStage.objects.filter(stage__pipeline__code=board, stage__code="applied").first()
    values = {AMOUNT: plain(Decimal(change.impact["value_after"])), MECHANISM: ";".join(change.mechanisms)}
    values |= {PIPELINE: stage.remote_pipeline, STAGE: stage.remote_stage} if stage else {}
    return values | ({LINES: "as the contract then says"} if settings.HUBSPOT_WRITE_LINES else {})


def differing(values: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    """Those of `values` that HubSpot holds differently (F55)."""
    return {name: value for name, value in values.items() if not same_amount(value, theirs.get(name, ""))}


def merged_into(record_id: str) -> str:
    """The record this one went into, as the webhooks told; "" when none did."""
    told = CrmEvent.objects.filter(kind="deal.merge", merged__contains=[record_id]).order_by("-occurred_at", "-pk")
    return str(told.values_list("merged_into", flat=True).first() or "")


def wish_of(link: CrmLink, contract: Contract, *, now: Sequence[LineItem], on: date) -> Wish:
    """What the line items in HubSpot ask of the contract on a business day."""
    before = settled_of(link, theirs=now)
    sold = {plan.code: plan.unit_price for plan in sellable_on(contract)}
    return wish(ours=own_lines(contract, on), before=before, now=now, sold=sold)


def settled_of(link: CrmLink, *, theirs: Sequence[LineItem]) -> list[LineItem] | None:
    """The line items as they were settled, with what we wrote there since whether or not an answer came (F33)."""
    settled = None if link.settled is None else [LineItem(**item) for item in link.settled]
    return agreed(settled, Sending.from_json(link.sending_lines), theirs)


def own_lines(contract: Contract, on: date) -> list[OwnLine]:
    """The recurring lines of a contract as HubSpot shall hold them on a business day. One query."""
    rows = recurring_rows(contract, on)
    return [OwnLine(str(row.key), row.product.code, row.product.name, row.quantity, row.unit_price) for row in rows]


def lines_to_write(link: CrmLink, contract: Contract, *, theirs: Sequence[LineItem], on: date) -> Writing:
    """What HubSpot does not say yet about the lines of the contract, people's open wishes left alone (F55)."""
    ours = own_lines(contract, on)
    keys, products = {line.key for line in ours}, {line.product for line in ours}
    every = list(contract.lines.filter(is_recurring=True).values_list("key", "product__code").distinct())
    former = Former(keys={str(key) for key, _ in every} - keys, products={code for _, code in every} - products)
    pending = wishes(link.deal).pending
    return writing(ours=ours, former=former, settled=settled_of(link, theirs=theirs), theirs=theirs, pending=pending)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Intents of what was proposed in HubSpot and closed here: those whose change is not decided yet, and those that came to nothing."""

    pending: list[dict[str, str]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)


def wishes(deal: Deal) -> Wishes:
    """What became of the wishes of a deal. Two queries, and one for each change that goes on under another number.

    A wish that came to nothing counts until the contract itself takes its figure: from then on the figure is ours.
    """
    found, refused = Wishes(), []
    closed = [CrmProposal.State.TAKEN, CrmProposal.State.DISMISSED]
    for proposal in CrmProposal.objects.filter(deal=deal, state__in=closed).select_related("change").order_by("pk"):
        change = proposal.change
        while change is not None and change.state == State.SUPERSEDED:
            change = change.carried_on_by.order_by("-pk").first()
        if change is not None and change.state in (*OPEN, State.SCHEDULED):
            found.pending.extend(proposal.intents)
        elif change is None or change.state != State.APPLIED:
            refused.append(proposal)
    if refused:
        lines = list(ContractLine.objects.filter(contract=deal.contract_id).select_related("product", "added_in"))
        found.refused.extend(
            intent for proposal in refused for intent in proposal.intents if not _is_ours_since(intent, proposal.closed_at, lines)
        )
    return found


def _is_ours_since(intent: dict[str, str], closed_at: datetime | None, lines: Sequence[ContractLine]) -> bool:
    """Whether a line of the contract has had what the intent asks for since the moment its proposal was closed."""
    since = [line for line in lines if closed_at is not None and line.added_in.created_at >= closed_at]
    if intent["action"] == "add":
        return any(line.product.code == intent["product"] for line in since)
    mine = [line for line in since if str(line.key) == intent["key"]]
    asked = number(intent.get("quantity", intent.get("unit_price", "")))
    return any(asked == (line.quantity if intent["action"] == "quantity" else line.unit_price) for line in mine)


@dataclass(frozen=True, slots=True)
class Panel:
    """What a deal's page says about HubSpot. `crm_amount` is set where HubSpot holds another amount than we do."""

    link: CrmLink
    proposal: CrmProposal | None
    crm_amount: Decimal | None
    refused: str


def panel_of(deal: Deal) -> Panel | None:
    """None for a deal that HubSpot does not know, or has not told about yet. Three queries."""
    link = CrmLink.objects.filter(deal=deal).first() if deal.crm_id else None
    if link is None:
        return None
    proposal = CrmProposal.objects.filter(deal=deal, state=CrmProposal.State.OPEN).first()
    subjects = [write_subject(link.pk), lines_subject(link.pk)]
    parked = Message.objects.filter(subject__in=subjects, state=MessageState.PARKED).order_by("pk").first()
    return Panel(link, proposal, crm_amount(link, deal), parked.last_words if parked else "")


def crm_amount(link: CrmLink, deal: Deal) -> Decimal | None:
    """The amount in HubSpot where it is another than ours and nothing is on its way there."""
    theirs = number(link.seen.get(AMOUNT))
    return theirs if theirs is not None and theirs != deal.amount else None


def write_subject(link_id: int) -> str:
    return f"crm-write:{link_id}"


def lines_subject(link_id: int) -> str:
    """Apart from `write_subject`: line items that are refused hold up neither amount nor stage."""
    return f"crm-lines:{link_id}"


def needing_a_look(user: User) -> QuerySet[CrmLink]:
    """Links whose deal waits for a person: an open proposal, deleted or merged over there. Newest first."""
    links = visible(user, CrmLink.objects.select_related("deal__customer", "deal__stage"))
    waits = Q(deal__crm_proposals__state=CrmProposal.State.OPEN) | ~Q(state=CrmLink.State.LINKED)
    return links.filter(waits).distinct().order_by("-pk")


def open_proposals(links: Iterable[CrmLink]) -> dict[int, CrmProposal]:
    """By deal. One query."""
    found = CrmProposal.objects.filter(deal_id__in=[link.deal_id for link in links], state=CrmProposal.State.OPEN)
    return {proposal.deal_id: proposal for proposal in found}
