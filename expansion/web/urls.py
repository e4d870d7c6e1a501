"""Addresses of the product's pages. Each screen adds its own lines below its heading."""

from django.urls import path

from expansion.web import board, home, notices, search

urlpatterns = [
    path("home", home.home, name="home"),
    path("search", search.search, name="search"),
    # board
    path("board", board.board, name="board"),
    path("board/column", board.column, name="board_column"),
    path("board/move", board.move, name="board_move"),
    # notifications
    path("notifications", notices.inbox, name="notifications"),
    path("notifications/read", notices.read, name="notifications_read"),
    path("notifications/outbox", notices.outbox, name="notifications_outbox"),
]
