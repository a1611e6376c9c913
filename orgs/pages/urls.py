"""Addresses of sign-in, settings and members."""

from django.urls import path

from orgs.pages import (
    invites,
    members,
    notifications,
    organizations,
    security,
    sign_in,
    views,
    welcome,
)

app_name = "orgs"
urlpatterns = [
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in/link/<str:code>", sign_in.sign_in_link, name="sign-in-link"),
    path("sign-in/code", sign_in.sign_in_code, name="sign-in-code"),
    path("sign-in/oidc", sign_in.oidc_start, name="oidc-start"),
    path("sign-in/oidc/return", sign_in.oidc_return, name="oidc-return"),
    path("sign-in/clerk", sign_in.clerk_start, name="clerk-start"),
    path("sign-in/clerk/return", sign_in.clerk_return, name="clerk-return"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("settings/security", security.overview, name="security"),
    path("settings/security/code", security.factor_begin, name="factor-begin"),
    path("settings/security/code/confirm", security.factor_confirm, name="factor-confirm"),
    path("settings/security/code/renew", security.codes_renew, name="codes-renew"),
    path("settings/security/code/off", security.factor_disable, name="factor-disable"),
    path(
        "settings/security/passkeys/<uuid:passkey_id>/remove",
        security.passkey_remove,
        name="passkey-remove",
    ),
    path(
        "settings/security/sessions/<uuid:session_id>/end",
        security.session_end,
        name="session-end",
    ),
    path("settings/security/sessions/end", security.sessions_end, name="sessions-end"),
    path("settings", views.own_settings, name="settings"),
    path("onboarding", welcome.welcome, name="welcome"),
    path("settings/profile", views.profile_update, name="profile-update"),
    path("settings/appearance", views.appearance_update, name="appearance-update"),
    path("settings/password", views.password_update, name="password-update"),
    path("settings/tokens", views.token_new, name="token-new"),
    path("settings/tokens/<uuid:token_id>/revoke", views.token_revoke, name="token-revoke"),
    path("settings/delete-account", organizations.account_delete, name="account-delete"),
    path("notifications", notifications.notification_list, name="notification-list"),
    path("notifications/bell", notifications.bell, name="bell"),
    path("notifications/read", notifications.notifications_read, name="notifications-read"),
    path(
        "notifications/<uuid:notification_id>/open",
        notifications.notification_open,
        name="notification-open",
    ),
    path(
        "settings/notifications",
        notifications.notification_settings,
        name="notification-settings",
    ),
    path("settings/notifications/quiet", notifications.quiet_update, name="quiet-update"),
    path("settings/notifications/channels", notifications.channel_new, name="channel-new"),
    path(
        "settings/notifications/channels/<uuid:channel_id>",
        notifications.channel_edit,
        name="channel-edit",
    ),
    path(
        "settings/notifications/channels/<uuid:channel_id>/test",
        notifications.channel_test,
        name="channel-test",
    ),
    path(
        "settings/notifications/channels/<uuid:channel_id>/delete",
        notifications.channel_delete,
        name="channel-delete",
    ),
    path("invite", invites.invite_accept, name="invite-accept"),
    path("invite/register", invites.invite_register, name="invite-register"),
    path("organization", members.member_list, name="member-list"),
    path("organization/access", members.access_matrix, name="access-matrix"),
    path("organization/members/<uuid:member_id>", members.member_detail, name="member-detail"),
    path("organization/members/<uuid:member_id>/role", members.member_role, name="member-role"),
    path(
        "organization/members/<uuid:member_id>/access", members.member_access, name="member-access"
    ),
    path(
        "organization/members/<uuid:member_id>/remove", members.member_remove, name="member-remove"
    ),
    path("organization/invites/new", invites.invite_new, name="invite-new"),
    path("organization/invites/<uuid:invite_id>/link", invites.invite_link, name="invite-link"),
    path(
        "organization/invites/<uuid:invite_id>/revoke", invites.invite_revoke, name="invite-revoke"
    ),
    path("organization/new", organizations.organization_new, name="organization-new"),
    path("organization/edit", organizations.organization_edit, name="organization-edit"),
    path("organization/leave", organizations.organization_leave, name="organization-leave"),
    path("organization/delete", organizations.organization_delete, name="organization-delete"),
    path("organization/switch", organizations.organization_switch, name="organization-switch"),
]
