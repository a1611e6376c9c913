"""Addresses below ``/api/v1/``."""

from django.urls import path

from missioncontrol.overview.api import views

urlpatterns = [path("metrics/dashboard", views.DashboardView.as_view(), name="dashboard-metrics")]
