"""Addresses below ``/api/v1/``; the streams beside them are native (``missioncontrol.streams``)."""

from django.urls import path

from . import views

urlpatterns = [
    path("activity", views.Feed.as_view()),
    path("activity/task-comments", views.TaskComments.as_view()),
]
