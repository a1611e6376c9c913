"""Addresses below ``/api/v1/``; the streams beside them are native (``missioncontrol.streams``)."""

from django.urls import path

from . import export, views, webhooks

_ENDPOINT = "webhook-endpoints/<uuid:endpoint_id>"
_SENT = f"{_ENDPOINT}/deliveries/<uuid:sent_id>"

urlpatterns = [
    path("webhook-endpoints", webhooks.EndpointListView.as_view(), name="webhook-endpoints"),
    path(_ENDPOINT, webhooks.EndpointView.as_view(), name="webhook-endpoint"),
    path(f"{_ENDPOINT}/rotate-secret", webhooks.RotateSecretView.as_view()),
    path(f"{_ENDPOINT}/test", webhooks.TestView.as_view()),
    path(f"{_ENDPOINT}/deliveries", webhooks.DeliveryListView.as_view()),
    path(_SENT, webhooks.DeliveryView.as_view()),
    path(f"{_SENT}/replay", webhooks.ReplayView.as_view()),
    path("activity", views.Feed.as_view()),
    path("activity/export", export.Export.as_view(), name="activity-export"),
    path("activity/task-comments", views.TaskComments.as_view()),
]
