"""Addresses of the approval API."""

from django.urls import path

from .views import AgentApprovalView, ApprovalCancelView, ApprovalListView, ApprovalView

urlpatterns = [
    path("approvals", ApprovalListView.as_view(), name="approvals"),
    path("approvals/<uuid:approval_id>", ApprovalView.as_view(), name="approval"),
    path(
        "approvals/<uuid:approval_id>/cancel", ApprovalCancelView.as_view(), name="approval-cancel"
    ),
    path("boards/<uuid:board_id>/approvals/<uuid:approval_id>", ApprovalView.as_view()),
    path(
        "boards/<uuid:board_id>/approvals/<uuid:approval_id>/cancel", ApprovalCancelView.as_view()
    ),
    path("agent/boards/<uuid:board_id>/approvals/<uuid:approval_id>", AgentApprovalView.as_view()),
]
