from django.http import HttpRequest, HttpResponse

from expansion.web.frame import page, section


@section("board")
def board(request: HttpRequest) -> HttpResponse:
    return page(request, "home/home.html", title="Board")


@section("board")
def column(request: HttpRequest) -> HttpResponse:
    return page(request, "home/home.html", title="Board")


@section("board")
def move(request: HttpRequest) -> HttpResponse:
    return page(request, "home/home.html", title="Board")
