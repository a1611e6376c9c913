"""Addresses of the start and the dashboard."""

from django.urls import path

from missioncontrol.overview.pages import views

app_name = "overview"
urlpatterns = [
    path("", views.start, name="start"),
    path("dashboard", views.dashboard, name="dashboard"),
]
