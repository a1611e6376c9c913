"""Addresses of the activity pages."""

from django.urls import path

from activity.pages import views

app_name = "activity"
urlpatterns = [path("activity", views.event_list, name="event-list")]
