"""Addresses below ``/api/v1/``; words before ids, so that ``me`` is never taken for one."""

from django.urls import path

from . import invites, members, notifications, organizations, people, security

urlpatterns = [
    path("auth/bootstrap", people.Bootstrap.as_view()),
    path("auth/login", people.LoginView.as_view()),
    path("auth/logout", people.LogoutView.as_view()),
    path("auth/passkey", security.PasskeySignIn.as_view()),
    path("auth/passkey/options", security.PasskeySignInOptions.as_view()),
    path("users/me", people.Me.as_view()),
    path("users/me/password", security.OwnPassword.as_view()),
    path("users/me/second-factor", security.SecondFactorView.as_view()),
    path("users/me/second-factor/confirm", security.SecondFactorConfirm.as_view()),
    path("users/me/second-factor/recovery-codes", security.RecoveryCodesView.as_view()),
    path("users/me/passkeys", security.Passkeys.as_view()),
    path("users/me/passkeys/options", security.PasskeyAddOptions.as_view()),
    path("users/me/passkeys/<uuid:passkey_id>", security.PasskeyDetail.as_view()),
    path("users/me/sessions", security.Sessions.as_view()),
    path("users/me/sessions/<uuid:session_id>", security.SessionDetail.as_view()),
    path("users/me/tokens", people.Tokens.as_view()),
    path("users/me/tokens/<uuid:token_id>", people.TokenDetail.as_view()),
    path("notifications", notifications.Notifications.as_view()),
    path("notifications/count", notifications.Unread.as_view()),
    path("notifications/settings", notifications.NotificationSettings.as_view()),
    path("notifications/channels", notifications.Channels.as_view()),
    path("notifications/channels/<uuid:channel_id>", notifications.ChannelDetail.as_view()),
    path("notifications/channels/<uuid:channel_id>/test", notifications.ChannelTest.as_view()),
    path(
        "notifications/channels/<uuid:channel_id>/deliveries",
        notifications.ChannelDeliveries.as_view(),
    ),
    path("organizations", organizations.Organizations.as_view()),
    path("organizations/me", organizations.ActiveOrganization.as_view()),
    path("organizations/me/list", organizations.OwnList.as_view()),
    path("organizations/me/active", organizations.Activate.as_view()),
    path("organizations/me/member", members.OwnMember.as_view()),
    path("organizations/me/members", members.Members.as_view()),
    path("organizations/me/members/<uuid:member_id>", members.MemberDetail.as_view()),
    path("organizations/me/members/<uuid:member_id>/access", members.MemberAccess.as_view()),
    path("organizations/me/invites", invites.Invites.as_view()),
    path("organizations/me/invites/<uuid:invite_id>", invites.InviteDetail.as_view()),
    path("organizations/invites/accept", invites.AcceptInvite.as_view()),
    path("organizations/invites/register", invites.RegisterByInvite.as_view()),
    path("organizations/<uuid:organization_id>", organizations.OrganizationDetail.as_view()),
]
