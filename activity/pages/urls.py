"""Addresses of the activity pages."""

from django.urls import path

from activity.pages import views, webhooks

app_name = "activity"
_ONE = "organization/webhooks/<uuid:endpoint_id>"
urlpatterns = [
    path("activity", views.event_list, name="event-list"),
    path("organization/webhooks", webhooks.endpoint_list, name="endpoint-list"),
    path("organization/webhooks/new", webhooks.endpoint_new, name="endpoint-new"),
    path(_ONE, webhooks.endpoint_detail, name="endpoint-detail"),
    path(f"{_ONE}/edit", webhooks.endpoint_edit, name="endpoint-edit"),
    path(f"{_ONE}/rotate-secret", webhooks.endpoint_rotate, name="endpoint-rotate"),
    path(f"{_ONE}/test", webhooks.endpoint_test, name="endpoint-test"),
    path(f"{_ONE}/delete", webhooks.endpoint_delete, name="endpoint-delete"),
    path(
        f"{_ONE}/deliveries/<uuid:delivery_id>/replay",
        webhooks.delivery_replay,
        name="delivery-replay",
    ),
]
