"""Addresses below ``/api/v1/``."""

from django.urls import path

from missioncontrol.overview.api import queues, views

urlpatterns = [
    path("metrics/dashboard", views.DashboardView.as_view(), name="dashboard-metrics"),
    path("jobs", queues.WorkView.as_view(), name="jobs"),
    path("jobs/parked", queues.ParkedListView.as_view(), name="parked-events"),
    path("jobs/parked/<int:delivery_id>/retry", queues.RetryParkedView.as_view()),
    path("jobs/<str:job_id>/retry", queues.RetryJobView.as_view()),
    path("jobs/<str:job_id>", queues.FailedJobView.as_view()),
]
