"""Addresses of the product's pages. Each screen adds its own lines below its heading."""

from django.urls import path

from expansion.web import (
    approvals,
    audit,
    board,
    bulk,
    changes,
    clock,
    composer,
    deals,
    documents,
    exports,
    future_invoices,
    home,
    imports,
    lists,
    notices,
    preferences,
    questions,
    renewal,
    search,
    slack,
    sync,
    undo,
    views,
)
from expansion.web.differences import compare, leave, repair

urlpatterns = [
    path("home", home.home, name="home"),
    path("search", search.search, name="search"),
    # board
    path("board", board.board, name="board"),
    path("board/live", board.live, name="board_live"),
    path("board/column", board.column, name="board_column"),
    path("board/move", board.move, name="board_move"),
    # notifications
    path("notifications", notices.inbox, name="notifications"),
    path("notifications/read", notices.read, name="notifications_read"),
    path("notifications/outbox", notices.outbox, name="notifications_outbox"),
    path("slack/connect", slack.connect, name="slack_connect"),
    path("hooks/slack", slack.hook, name="slack_hook"),
    # every list: export, saved views, many rows at once, a look at one row
    path("lists/<slug:key>/export", exports.export, name="list_export"),
    path("lists/<slug:key>/views", views.save, name="view_save"),
    path("lists/<slug:key>/bulk", bulk.prepare, name="bulk_prepare"),
    path("lists/<slug:key>/peek/<int:pk>", lists.peek, name="list_peek"),
    path("v/<slug:slug>", views.open_view, name="view"),
    path("v/<slug:slug>/remove", views.remove, name="view_remove"),
    path("bulk/<int:pk>", bulk.show, name="bulk"),
    path("bulk/<int:pk>/progress", bulk.progress, name="bulk_progress"),
    path("bulk/<int:pk>/start", bulk.start, name="bulk_start"),
    path("bulk/<int:pk>/cancel", bulk.cancel, name="bulk_cancel"),
    path("bulk/<int:pk>/repeat", bulk.repeat, name="bulk_repeat"),
    path("bulk/<int:pk>/report.csv", bulk.report, name="bulk_report"),
    path("deals/import", imports.upload, name="deal_import"),
    path("deals/import/<int:pk>", imports.columns, name="deal_import_map"),
    # preferences
    path("preferences", preferences.preferences, name="preferences"),
    path("preferences/save", preferences.save, name="preferences_save"),
    path("preferences/delegations", preferences.delegate, name="delegation_make"),
    path("preferences/delegations/<int:pk>/end", preferences.end_delegation, name="delegation_end"),
    # deals
    path("deals", deals.index, name="deals"),
    path("deals/<slug:number>", deals.deal, name="deal"),
    path("deals/<slug:number>/change", composer.compose, name="composer"),
    path("deals/<slug:number>/preview", composer.preview, name="composer_preview"),
    path("deals/<slug:number>/renewal", renewal.renew, name="deal_renewal"),
    path("deals/<slug:number>/end", renewal.end, name="deal_end"),
    # changes
    path("changes", changes.index, name="changes"),
    path("changes/<slug:number>", changes.change, name="change"),
    path("changes/<slug:number>/lights", changes.lights, name="change_lights"),
    path("changes/<slug:number>/answer", questions.answer, name="change_answer"),
    path("changes/<slug:number>/act", changes.act, name="change_act"),
    path("changes/<slug:number>/reverse", undo.reverse, name="change_reverse"),
    path("changes/<slug:number>/cancel", undo.cancel, name="change_cancel"),
    # the demo's clock
    path("demo/clock", clock.move, name="demo_clock"),
    # approvals
    path("approvals", approvals.index, name="approvals"),
    path("approvals/rules", questions.rules, name="approval_rules"),
    path("approvals/<slug:number>", approvals.review, name="approval"),
    path("approvals/<slug:number>/approve", approvals.approve, name="approval_approve"),
    path("approvals/<slug:number>/reject", approvals.reject, name="approval_reject"),
    path("approvals/<slug:number>/acknowledge", approvals.acknowledge, name="approval_acknowledge"),
    path("approvals/<slug:number>/apply-update", approvals.apply_update, name="approval_apply_update"),
    path("approvals/<slug:number>/updated", approvals.updated, name="approval_updated"),
    path("approvals/<slug:number>/ask", approvals.ask, name="approval_ask"),
    path("approvals/<slug:number>/handoff", approvals.handoff, name="approval_handoff"),
    path("approvals/<slug:number>/receipt", approvals.receipt, name="approval_receipt"),
    path("approvals/<slug:number>/preview.pdf", approvals.preview, name="approval_preview"),
    # documents
    path("documents", documents.index, name="documents"),
    path("documents/<slug:number>.pdf", documents.pdf, name="document_pdf"),
    path("documents/<slug:number>", documents.document, name="document"),
    # future invoices
    path("future-invoices", future_invoices.index, name="future_invoices"),
    path("future-invoices/<slug:number>", future_invoices.detail, name="future_invoice"),
    # the log
    path("audit", audit.index, name="audit"),
    path("audit/check", audit.check, name="audit_check"),
    path("audit/export.jsonl", audit.export, name="audit_export"),
    # sync
    path("sync/compare", compare, name="sync_compare"),
    path("sync/differences/<int:pk>/repair", repair, name="difference_repair"),
    path("sync/differences/<int:pk>/leave", leave, name="difference_leave"),
    path("sync", sync.sync, name="sync"),
    path("sync/<int:pk>/retry", sync.retry, name="sync_retry"),
    path("sync/<int:pk>/park", sync.park, name="sync_park"),
]
