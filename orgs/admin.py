"""Look-up and repair of people, organizations, memberships and tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import quote

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.admin import ReadOnlyAdmin, is_super_admin
from missioncontrol.kernel.errors import DomainError, Forbidden
from missioncontrol.kernel.pages import actor, speak
from orgs.models import ApiToken, Invite, Membership, Organization, SignInLink, User
from orgs.notices import admin as notice_admin  # noqa: F401 - registers its models
from orgs.services import invites, second_factor, tokens, users
from orgs.signin.models import (
    BrowserSession,
    ExternalIdentity,
    Passkey,
    RecoveryCode,
    SecondFactor,
)


def _sign_in(request: HttpRequest, _extra: dict[str, Any] | None = None) -> HttpResponse:
    """The product's own sign-in page; who is signed in and no super admin is refused."""
    if request.user.is_authenticated and not is_super_admin(request):
        raise Forbidden(_("The admin is open to super admins only."))
    target = request.GET.get("next") or "/admin/"
    return HttpResponseRedirect(f"/sign-in?next={quote(target)}")


def _may_enter(request: HttpRequest) -> bool:
    """Super admins, each in the language of his choice."""
    speak(request, getattr(request.user, "language", ""))
    return is_super_admin(request)


admin.site.login = _sign_in  # type: ignore[method-assign,assignment]  # one sign-in for the product
admin.site.has_permission = _may_enter  # type: ignore[method-assign]  # staff = super admin
admin.site.unregister(Group)


class RepairAdmin(ReadOnlyAdmin):
    """Read-only rows with repairs that call a service, once per chosen row."""

    def each(
        self, request: HttpRequest, chosen: QuerySet[Any], repair: Callable[[Any], object]
    ) -> None:
        """Run a repair on every row; a refusal is told and does not stop the others."""
        done = 0
        for row in chosen:
            try:
                repair(row)
            except DomainError as refusal:
                self.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)
            else:
                done += 1
        text = ngettext("%(n)s row was repaired.", "%(n)s rows were repaired.", done)
        self.message_user(request, text % {"n": done})


@admin.register(User)
class UserAdmin(RepairAdmin):
    """People; passwords are never shown, not even hashed."""

    list_display = ("username", "email", "name", "is_active", "is_super_admin", "last_login")
    list_filter = ("is_active", "is_super_admin")
    search_fields: ClassVar = ["username", "email", "name", "=id"]
    exclude = ("password", "groups", "user_permissions", "is_superuser")
    ordering = ("username",)
    actions: ClassVar = ["close_accounts", "reopen_accounts", "reset_second_factor"]

    @admin.action(description=gettext_lazy("Close the chosen accounts"), permissions=["view"])
    def close_accounts(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Their sessions and tokens prove nothing any more."""
        who = actor(request)
        self.each(request, chosen, lambda u: users.set_account_state(who, u.pk, is_active=False))

    @admin.action(
        description=gettext_lazy("Remove the second factor of the chosen"), permissions=["view"]
    )
    def reset_second_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """They lost it; password or token alone signs them in until they turn one on again."""
        who = actor(request)
        self.each(request, chosen, lambda u: second_factor.reset(who, u.pk))

    @admin.action(description=gettext_lazy("Reopen the chosen accounts"), permissions=["view"])
    def reopen_accounts(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """They may sign in again."""
        who = actor(request)
        self.each(request, chosen, lambda u: users.set_account_state(who, u.pk, is_active=True))


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    """Organizations."""

    list_display = ("name", "created_at", "id")
    search_fields: ClassVar = ["name", "=id"]
    ordering = ("name",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs where."""

    list_display = ("user", "organization", "role", "all_boards_read", "all_boards_write")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields: ClassVar = ["user__username", "user__email", "organization__name"]


@admin.register(ApiToken)
class ApiTokenAdmin(RepairAdmin):
    """Access tokens, never their text nor its hash; they can be revoked."""

    list_display = ("name", "user", "scope", "hint", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields: ClassVar = ["name", "user__username"]
    exclude = ("token_hash",)
    actions: ClassVar = ["revoke"]

    @admin.action(description=gettext_lazy("Revoke the chosen tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        """They prove nothing any more."""
        who = SystemActor(f"repair by {request.user}")
        self.each(request, chosen, lambda token: tokens.revoke_token(who, token.pk))


@admin.register(Invite)
class InviteAdmin(RepairAdmin):
    """Invitations without their links; open ones can be revoked."""

    list_display = (
        "invited_email", "organization", "role", "mail_state", "expires_at", "accepted_at",
    )  # fmt: skip
    list_filter = ("role", "mail_state")
    list_select_related = ("organization",)
    search_fields: ClassVar = ["invited_email", "organization__name"]
    exclude = ("token_hash", "token_sealed")
    actions: ClassVar = ["revoke"]

    @admin.action(description=gettext_lazy("Revoke the chosen invitations"), permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Invite]) -> None:
        """Their links lead nowhere any more."""
        who = SystemActor(f"repair by {request.user}")
        self.each(request, chosen, lambda invite: invites.revoke_invite(who, invite.pk))


@admin.register(SignInLink)
class SignInLinkAdmin(ReadOnlyAdmin):
    """One-time links, without their codes."""

    list_display = ("user", "expires_at", "used_at")
    exclude = ("code_hash",)
    list_display_links: ClassVar[tuple[str, ...]] = ("user",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The list only: the address of a single row would hold the code's hash."""
        return obj is None and super().has_view_permission(request)


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnlyAdmin):
    """Who signs in through an OpenID Connect provider, and as whom."""

    list_display = ("user", "issuer", "subject", "last_used_at")
    list_select_related = ("user",)
    search_fields: ClassVar = ["user__username", "user__email", "subject"]


@admin.register(SecondFactor)
class SecondFactorAdmin(ReadOnlyAdmin):
    """Who has a second factor, never its secret; it is removed at the person."""

    list_display = ("user", "confirmed_at", "created_at")
    list_select_related = ("user",)
    search_fields: ClassVar = ["user__username", "user__email"]
    exclude = ("sealed_secret", "last_step")


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(ReadOnlyAdmin):
    """How many recovery codes people have left, never the codes."""

    list_display = ("user", "used_at", "created_at")
    list_select_related = ("user",)
    search_fields: ClassVar = ["user__username", "user__email"]
    exclude = ("code_hash",)


@admin.register(Passkey)
class PasskeyAdmin(ReadOnlyAdmin):
    """Passkeys; their owners remove them."""

    list_display = ("name", "user", "is_synced", "last_used_at", "created_at")
    list_select_related = ("user",)
    search_fields: ClassVar = ["name", "user__username", "user__email"]
    exclude = ("public_data",)


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    """Signed-in browsers, never their keys; their owners end them."""

    list_display = ("user", "way", "address", "browser", "last_seen_at", "created_at")
    list_filter = ("way",)
    list_select_related = ("user",)
    search_fields: ClassVar = ["user__username", "user__email", "address"]
    exclude = ("session_key",)
