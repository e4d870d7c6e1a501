"""The policy as a table: which role may open which address, and which act on a change is allowed to whom in which state (ASVS 8.1.1).

It decides nothing. `rules.py` and `billing/rules.py` decide; the tests in tests/policy try every address of this table over pages, API and
admin and fail when the product answers otherwise, and when an address, an API action or an admin page exists that no line here names.
`manage.py policy` prints it for auditors.

Codes of refusals: `not_found` (outside one's teams, 404), `not_allowed` (the role, or the person, may not: 403), `wrong_state` (nobody may
now: 403 or 409), `token_cannot_decide` (403), `sign_in` (a stranger: to the log-in page, or 401).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from dealops.accounts.models import Role
from expansion.domain.workflow import State

EVERYBODY = frozenset(Role)
# Also people who are not signed in.
ANYBODY: frozenset[Role] | None = None
SALES, SUCCESS, FINANCE, REVOPS, AUDITOR = Role.SALES, Role.CUSTOMER_SUCCESS, Role.FINANCE, Role.REVOPS, Role.AUDITOR
MAKERS = frozenset({SALES, SUCCESS, REVOPS})
WATCHERS = frozenset({FINANCE, REVOPS, AUDITOR})
OPERATORS = frozenset({FINANCE, REVOPS})
DECIDERS = frozenset({FINANCE})
ADMINS = frozenset({REVOPS, AUDITOR})
MOTION = MAKERS | {AUDITOR}


@dataclass(frozen=True, slots=True)
class Door:
    """One address by its URL name. `row` says what stands in it: deal, change, document, contract, message, handoff or signal.

    `methods` are those that are answered. `why` says why one that writes is open to more roles than may act: the act itself asks the rules.
    """

    who: frozenset[Role] | None
    methods: str = "GET"
    row: str = ""
    why: str = ""

    @property
    def writes(self) -> bool:
        return self.methods != "GET"


def page(who: frozenset[Role] | None = EVERYBODY, row: str = "") -> Door:
    return Door(who, "GET", row)


def form(who: frozenset[Role] | None = EVERYBODY, row: str = "", why: str = "") -> Door:
    """Answers POST only."""
    return Door(who, "POST", row, why)


ACT_ASKS = "the act asks the rules; whoever may not is told why on the page"

# --- pages: URL name -> door ----------------------------------------------------------------------------------------------
DOORS: dict[str, Door] = {
    "root": page(ANYBODY),
    "health_live": page(ANYBODY),
    "health_serving": page(ANYBODY),
    "health_ready": page(ANYBODY),
    "home": page(),
    "search": page(),
    "board": page(),
    "board_column": page(),
    "board_live": page(),
    "board_move": form(why="answers 403 with a sentence for roles that only read"),
    "notifications": page(),
    "notifications_read": form(why="marks one's own notices"),
    "notifications_outbox": page(),
    "slack_hook": form(ANYBODY, why="believes only what Slack has signed; the act asks the rules for the person behind the member"),
    "slack_connect": Door(EVERYBODY, "GET POST", why="one's own Slack account"),
    "hubspot_hook": form(ANYBODY, why="believes only what HubSpot has signed; it stores events and changes nothing else"),
    "crm": page(),
    "crm_test": form(frozenset({REVOPS})),
    "crm_stages": Door(frozenset({REVOPS}), "GET POST"),
    "crm_properties": Door(frozenset({REVOPS}), "GET POST"),
    "crm_take": form(row="deal", why=ACT_ASKS),
    "crm_dismiss": form(row="deal", why=ACT_ASKS),
    "crm_keep": form(row="deal", why=ACT_ASKS),
    "preferences": page(),
    "preferences_save": form(why="one's own row"),
    "delegation_make": form(why=ACT_ASKS),
    "delegation_end": form(why=ACT_ASKS),
    "deals": page(),
    "deal": page(row="deal"),
    "composer": Door(EVERYBODY, "GET POST", "deal", ACT_ASKS),
    "composer_preview": form(row="deal", why="computes, writes nothing"),
    "deal_note": form(row="deal", why=ACT_ASKS),
    "deal_renewal": Door(EVERYBODY, "GET POST", "deal", ACT_ASKS),
    "deal_end": Door(EVERYBODY, "GET POST", "deal", ACT_ASKS),
    "deal_downsell": page(row="deal"),
    "adoption_commitment": form(MOTION, "adoption_task", ACT_ASKS),
    "adoption_answer": form(MOTION, "adoption_task", ACT_ASKS),
    "changes": page(),
    "change": page(row="change"),
    "change_lights": page(row="change"),
    "change_answer": form(row="change", why=ACT_ASKS),
    "approval_rules": page(),
    "change_act": form(row="change", why=ACT_ASKS),
    "change_reverse": Door(EVERYBODY, "GET POST", "change", ACT_ASKS),
    "change_cancel": Door(EVERYBODY, "GET POST", "change", ACT_ASKS),
    "sync_compare": form(OPERATORS),
    "connections": page(OPERATORS),
    "connection_finish": page(OPERATORS),
    "connection_connect": form(OPERATORS, "entity"),
    "connection_test": form(OPERATORS, "entity"),
    "connection_disconnect": form(OPERATORS, "entity"),
    "difference_repair": form(OPERATORS, "difference"),
    "difference_leave": form(OPERATORS, "difference"),
    "demo_clock": form(why="answers in the demo only, and asks its own rule"),
    "approvals": page(WATCHERS),
    "approval": page(WATCHERS, "change"),
    "approval_approve": form(WATCHERS, "change", ACT_ASKS),
    "approval_reject": form(WATCHERS, "change", ACT_ASKS),
    "approval_acknowledge": form(WATCHERS, "change", ACT_ASKS),
    "approval_apply_update": form(WATCHERS, "change", ACT_ASKS),
    "approval_updated": form(WATCHERS, "change", ACT_ASKS),
    "approval_ask": form(WATCHERS, "change", ACT_ASKS),
    "approval_handoff": page(WATCHERS, "change"),
    "approval_receipt": page(WATCHERS, "change"),
    "approval_preview": page(WATCHERS, "change"),
    "documents": page(),
    "document_pdf": page(row="document"),
    "document": page(row="document"),
    "future_invoices": page(),
    "future_invoice": page(row="contract"),
    "accounts": page(),
    "account": page(row="customer"),
    "account_plan": form(row="customer", why=ACT_ASKS),
    "account_group": form(row="customer", why=ACT_ASKS),
    "plays": page(MOTION),
    "play": page(MOTION, "play"),
    "play_new": Door(MOTION, "GET POST", "", ACT_ASKS),
    "play_edit": Door(MOTION, "GET POST", "play", ACT_ASKS),
    "play_start": form(MOTION, "", ACT_ASKS),
    "play_act": form(MOTION, "play", ACT_ASKS),
    "offer_limit": form(MOTION, "", ACT_ASKS),
    "pairings": page(MOTION),
    "pairing_decide": form(MOTION, "", ACT_ASKS),
    "offers": page(MOTION),
    "offer_new": Door(MOTION, "GET POST", "", ACT_ASKS),
    "offer": page(MOTION, "offer"),
    "offer_answer": form(MOTION, "offer", ACT_ASKS),
    "offer_meeting": form(MOTION, "offer", ACT_ASKS),
    "signals": page(MOTION),
    "signal": page(MOTION, "signal"),
    "signal_log": Door(MOTION, "GET POST", "", ACT_ASKS),
    "signal_qualify": Door(MOTION, "GET POST", "signal", ACT_ASKS),
    "signal_snooze": form(MOTION, "signal", ACT_ASKS),
    "signal_dismiss": form(MOTION, "signal", ACT_ASKS),
    "signal_let_through": form(MOTION, "signal", ACT_ASKS),
    "signal_task": form(MOTION, "play_task", ACT_ASKS),
    "introduction": page(MOTION, "introduction"),
    "introduction_accept": form(MOTION, "introduction", ACT_ASKS),
    "introduction_return": form(MOTION, "introduction", ACT_ASKS),
    "introduction_send_on": form(MOTION, "introduction", ACT_ASKS),
    "sync": page(OPERATORS),
    "sync_retry": form(OPERATORS, "message"),
    "sync_park": form(OPERATORS, "message"),
    "sync_settle": Door(DECIDERS, "GET POST", "message"),
    "sync_take_up": form(DECIDERS, "message"),
    # --- lists: the section of the list in the address is asked as well ---
    "list_export": form(why="reads the rows one sees, and is written down"),
    "list_peek": page(),
    "list_sum": page(),
    "view": page(),
    "view_save": form(why="keeps filters of one's own"),
    "view_remove": form(why="the act asks whose view it is"),
    "bulk_prepare": form(why=ACT_ASKS),
    "bulk": page(),
    "bulk_progress": page(),
    "bulk_report": page(),
    "bulk_start": form(why="only whoever prepared it"),
    "bulk_cancel": form(why="only whoever prepared it"),
    "bulk_repeat": form(why="only whoever prepared it"),
    "deal_import": Door(frozenset({REVOPS}), "GET POST"),
    "deal_import_map": Door(frozenset({REVOPS}), "GET POST"),
    "audit": page(ADMINS),
    "audit_check": page(ADMINS),
    "audit_rows": page(ADMINS),
    "audit_export": page(ADMINS),
    # --- API ---
    "api:quote-list": form(ANYBODY, why="stateless: reads and writes nothing"),
    "api:customer-list": page(),
    "api:customer-detail": page(row="customer"),
    "api:product-list": page(),
    "api:product-detail": page(row="product"),
    "api:contract-list": page(),
    "api:contract-detail": page(row="contract"),
    "api:deal-list": page(),
    "api:deal-detail": page(row="deal"),
    "api:deal-renew": form(row="deal", why=ACT_ASKS),
    "api:deal-end": form(row="deal", why=ACT_ASKS),
    "api:change-list": Door(EVERYBODY, "GET POST", "", ACT_ASKS),
    "api:change-what-if": form(why="computes, writes nothing"),
    "api:change-detail": Door(EVERYBODY, "GET PATCH", "change", ACT_ASKS),
    "api:change-answer": form(row="change", why=ACT_ASKS),
    "api:change-approve": form(row="change", why=ACT_ASKS),
    "api:change-ask": form(row="change", why=ACT_ASKS),
    "api:change-cancel": form(row="change", why=ACT_ASKS),
    "api:change-discard": form(row="change", why=ACT_ASKS),
    "api:change-preview": form(row="change", why="computes, writes nothing"),
    "api:change-recall": form(row="change", why=ACT_ASKS),
    "api:change-reject": form(row="change", why=ACT_ASKS),
    "api:change-reverse": form(row="change", why=ACT_ASKS),
    "api:change-submit": form(row="change", why=ACT_ASKS),
    "api:document-list": page(),
    "api:document-detail": page(row="document"),
    "api:document-pdf": page(row="document"),
    "api:future-invoice-list": page(),
    "api:future-invoice-detail": page(row="contract"),
    "api:posting-list": page(),
    "api:posting-detail": page(row="posting"),
    "api:handoff-list": page(),
    "api:handoff-detail": page(row="handoff"),
    "api:handoff-acknowledge": form(row="handoff", why=ACT_ASKS),
    "api:handoff-apply": form(row="handoff", why=ACT_ASKS),
    "api:handoff-updated": form(row="handoff", why=ACT_ASKS),
    "api:signal-list": Door(EVERYBODY, "GET POST", "", ACT_ASKS),
    "api:signal-detail": page(row="signal"),
    "api:signal-hand-off": form(row="signal", why=ACT_ASKS),
    "api:signal-tick": form(row="signal", why=ACT_ASKS),
    "api:play-list": page(),
    "api:offer-list": Door(EVERYBODY, "GET POST", "", ACT_ASKS),
    "api:offer-detail": page(row="offer"),
    "api:offer-answer": form(row="offer", why=ACT_ASKS),
    "api:usage-list": form(MAKERS),
    "api:engagement-list": form(MAKERS),
    "api:intake-list": form(MAKERS),
    "api_schema": page(),
    "api_docs": page(),
}
# Log-in, log-out, passwords, second factors, sessions and tokens: one's own account only, by allauth and dealops.accounts.
OWN_ACCOUNT = ("account_", "api_token", "mfa_", "persona", "socialaccount_", "usersessions_", "openid_connect_", "headless")


# --- admin: every row is read by RevOps and Auditor and by nobody else, nothing is deleted, and nothing but these is edited ---
ADMIN_EDITED: dict[str, frozenset[Role]] = {
    "accounts.User": frozenset({REVOPS}),
    "billing.Customer": frozenset({REVOPS}),
    "billing.LegalEntity": frozenset({REVOPS}),
    "billing.Price": frozenset({REVOPS}),
    "billing.Product": frozenset({REVOPS}),
    "billing.Segment": frozenset({REVOPS}),
    "billing.Team": frozenset({REVOPS}),
    "expansion.ApprovalRule": frozenset({REVOPS}),
    "expansion.CrmStage": frozenset({REVOPS}),
    "expansion.Pipeline": frozenset({REVOPS}),
    "expansion.Stage": frozenset({REVOPS}),
}
# "app.Model.action" -> who may run it. Each declares one permission and calls one operation.
ADMIN_ACTIONS: dict[str, frozenset[Role]] = {}


# --- acts on a change ------------------------------------------------------------------------------------------------------
class Relation(StrEnum):
    """How a person stands to a change."""

    MAKER = "maker"
    COLLEAGUE = "colleague"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Act:
    """`states` in which it makes sense, whether the maker may, and which roles may besides the maker."""

    states: frozenset[State]
    maker: bool
    others: frozenset[Role]


S = State
ACTS: dict[str, Act] = {
    "edit": Act(frozenset({S.DRAFT}), True, frozenset({REVOPS})),
    "submit": Act(frozenset({S.DRAFT}), True, frozenset({REVOPS})),
    "discard": Act(frozenset({S.DRAFT}), True, frozenset({REVOPS})),
    "recall": Act(frozenset({S.SUBMITTED}), True, frozenset({REVOPS})),
    "approve": Act(frozenset({S.SUBMITTED}), False, frozenset({FINANCE})),
    "reject": Act(frozenset({S.SUBMITTED}), False, frozenset({FINANCE})),
    "ask": Act(frozenset({S.SUBMITTED}), False, frozenset({FINANCE})),
    "cancel": Act(frozenset({S.SCHEDULED}), True, frozenset({REVOPS, FINANCE})),
    "reverse": Act(frozenset({S.APPLIED}), True, MAKERS),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `refusal` is None where the act is allowed."""

    act: str
    role: Role
    state: State
    relation: Relation
    refusal: str | None


def cells() -> Iterator[Cell]:
    """Every cell. A maker is of a role that makes changes; the others come as colleagues and from outside."""
    for name, act in ACTS.items():
        for role in Role:
            for state in State:
                for relation in Relation:
                    if relation == Relation.MAKER and role not in MAKERS:
                        continue
                    yield Cell(name, role, state, relation, _refusal(act, role, state, relation))


def _refusal(act: Act, role: Role, state: State, relation: Relation) -> str | None:
    if relation == Relation.OUTSIDE:
        return "not_found"
    if state not in act.states:
        return "wrong_state"
    allowed = act.maker if relation == Relation.MAKER else role in act.others
    return None if allowed else "not_allowed"
