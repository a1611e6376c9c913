"""Addresses of sign-in, settings and members."""

from django.urls import path

from orgs.pages import views

app_name = "orgs"
urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/link/<str:code>", views.sign_in_link, name="sign-in-link"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("settings", views.own_settings, name="settings"),
    path("settings/profile", views.profile_update, name="profile-update"),
    path("settings/appearance", views.appearance_update, name="appearance-update"),
    path("settings/password", views.password_update, name="password-update"),
    path("settings/tokens", views.token_new, name="token-new"),
    path("settings/tokens/<uuid:token_id>/revoke", views.token_revoke, name="token-revoke"),
    path("organization", views.member_list, name="member-list"),
    path("organization/switch", views.organization_switch, name="organization-switch"),
]
