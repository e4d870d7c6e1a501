from django.http import HttpRequest, HttpResponse

from expansion.web.frame import page, section


@section("home")
def search(request: HttpRequest) -> HttpResponse:
    return page(request, "home/home.html", title="Search")
