"""Addresses of the start and the dashboard."""

from django.urls import path

from missioncontrol.overview.pages import queues, views

app_name = "overview"
urlpatterns = [
    path("", views.start, name="start"),
    path("dashboard", views.dashboard, name="dashboard"),
    path("jobs", queues.work, name="jobs"),
    path("jobs/<str:job_id>/retry", queues.job_retry, name="job-retry"),
    path("jobs/<str:job_id>/delete", queues.job_delete, name="job-delete"),
    path("jobs/parked/<int:delivery_id>/retry", queues.parked_retry, name="parked-retry"),
]
