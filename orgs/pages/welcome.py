"""What a person is asked once, after the first sign-in: name and time zone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from missioncontrol.kernel.errors import Invalid
from missioncontrol.kernel.pages import actor, page
from orgs.models import User
from orgs.pages.forms import WelcomeForm
from orgs.pages.sign_in import safe_next
from orgs.services import users


@require_http_methods(["GET", "HEAD", "POST"])
@page
def welcome(request: HttpRequest) -> HttpResponse:
    """Ask for name and time zone, then go on."""
    who = actor(request)
    person = User.objects.get(pk=who.id)
    initial = {"name": person.name, "timezone": person.timezone}
    form = WelcomeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            users.update_profile(who, changes=form.cleaned_data)
        except Invalid as refusal:
            form.add_error(None, str(refusal.detail))
        else:
            return HttpResponseRedirect(safe_next(request))
    context = {"form": form, "next": safe_next(request, "")}
    status = 422 if form.errors else 200
    return render(request, "orgs/welcome.html", context, status=status)
