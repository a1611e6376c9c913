"""Addresses of the pages of decisions."""

from django.urls import path

from governance.pages import views

app_name = "governance"
urlpatterns = [
    path("approvals", views.approval_list, name="approval-list"),
    path("boards/<uuid:board_id>/approvals", views.board_approvals, name="board-approvals"),
    path("approvals/count", views.approval_count, name="approval-count"),
    path("approvals/<uuid:approval_id>/decide", views.approval_decide, name="approval-decide"),
    path("approvals/<uuid:approval_id>/reopen", views.approval_reopen, name="approval-reopen"),
    path(
        "approvals/<uuid:approval_id>/withdraw", views.approval_withdraw, name="approval-withdraw"
    ),
]
