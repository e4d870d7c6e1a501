from django.http import HttpRequest, HttpResponse

from expansion.web.frame import page, section


@section("notifications")
def inbox(request: HttpRequest) -> HttpResponse:
    return page(request, "home/home.html", title="Notifications")


read = outbox = inbox
