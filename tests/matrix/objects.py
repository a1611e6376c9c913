"""One row of everything in organization A, by the names that the tables use for ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.utils import timezone

from activity.models import ActivityEvent, EventDelivery, WebhookDelivery, WebhookEndpoint
from agents.models import Budget, Execution, Onboarding, Skill, SkillPack, TemplateSync
from boards.models import Board, BoardGroup, BoardWebhook, Task, WebhookPayload
from gateways.models import GatewayCleanup
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel.secrets import seal
from orgs.models import ApiToken, Membership, User
from orgs.notices.models import Notification, NotificationChannel
from orgs.signin.models import BrowserSession, Passkey
from tests import factories
from tests.world import World


def make_objects(world: World, people: Mapping[str, User]) -> dict[str, str]:
    """Make the rows; ids as text, and the other words that paths are filled with."""
    rows: dict[str, Any] = {
        "organization": world.org, "board": world.board, "other_board": world.second_board,
        "gateway": world.gateway, "agent": world.worker, "own": world.org,
        **_work(world), **_fleet(world), **_hooks(world), **_account(world),
        "member": Membership.objects.get(user=world.bob, organization=world.org),
        "invite": factories.make_invite(
            world.org, str(people["outsider"].email), token="mci_of-carol"
        ),
    }  # fmt: skip
    rows["tag"] = factories.make_tag(world.org)
    rows["field"] = factories.make_field(world.board)
    words = {
        "job": "no-such-job", "handle": "mission-control", "slug": "tester",
        "key": "agent:x:main", "name": "AGENTS.md", "code": "no-such-code",
    }  # fmt: skip
    return {name: str(row.pk) for name, row in rows.items()} | words


def _work(world: World) -> dict[str, Any]:
    """A group, a task with all that hangs on it, an interview."""
    group = BoardGroup.objects.create(organization=world.org, name="G", slug="g")
    Board.objects.filter(pk=world.board.pk).update(board_group=group)
    task: Task = factories.make_task(world.board, assigned_agent=world.worker, status="review")
    approval = Approval.objects.create(
        organization=world.org, board_id=world.board.id, action_type="x",
        requested_by_kind="agent", requested_by_id=world.worker.id, requested_by_name="WA",
        agent_id=world.worker.id,
    )  # fmt: skip
    ApprovalTask.objects.create(approval=approval, task_id=task.id, title="t")
    decided = factories.make_approval(
        world.org, world.board, status="approved", resolved_at=timezone.now()
    )
    execution = Execution.objects.create(
        organization=world.org, task=task, agent=world.worker, requested_by_kind="user",
        requested_by_name="ann", status="running",
    )  # fmt: skip
    Onboarding.objects.create(
        organization=world.org, board=world.board, session_key="agent:x:main",
        messages=[{"role": "user", "content": "c", "timestamp": "2026-01-01T00:00:00Z"}],
    )  # fmt: skip
    comment = factories.make_comment(task, author_id=world.ann.id)
    return {
        "group": group, "task": task, "comment": comment, "approval": approval,
        "execution": execution, "decided": decided,
    }  # fmt: skip


def _fleet(world: World) -> dict[str, Any]:
    """What admins keep beside agents and gateways."""
    pack = SkillPack.objects.create(
        organization=world.org, name="p", source_url="https://github.com/acme/p"
    )
    skill = Skill.objects.create(
        organization=world.org, pack=pack, name="s", source_url="https://github.com/acme/p/tree/s"
    )
    return {
        "pack": pack,
        "skill": skill,
        "budget": Budget.objects.create(organization=world.org, scope="organization", limit=10),
        "sync": TemplateSync.objects.create(
            organization=world.org, gateway=world.gateway, state="done"
        ),
        "cleanup": GatewayCleanup.objects.create(
            organization=world.org, gateway_id=world.gateway.id, name="Gone",
            url="ws://127.0.0.1:9",
        ),
    }  # fmt: skip


def _hooks(world: World) -> dict[str, Any]:
    """Webhooks in and out with what they received and sent."""
    webhook = BoardWebhook.objects.create(
        organization=world.org, board=world.board, description="d"
    )
    payload = WebhookPayload.objects.create(
        organization=world.org, board=world.board, webhook=webhook, body="{}", is_json=True,
        received_at=timezone.now(), delivery_status="failed",
    )  # fmt: skip
    event = ActivityEvent.objects.create(
        organization_id=world.org.id, seq=0, actor_kind="user", actor_name="x", target_kind="task",
        target_title="t", type="task.created", at=timezone.now(),
    )  # fmt: skip
    endpoint = WebhookEndpoint.objects.create(
        organization=world.org, name="E", url="https://example.com", secret_sealed="",
        secret_hint="abcd",
    )  # fmt: skip
    sent = WebhookDelivery.objects.create(
        endpoint=endpoint, event_id=event.id, event_type="task.created", seq=1, body="{}"
    )
    return {
        "webhook": webhook, "payload": payload, "endpoint": endpoint, "sent": sent,
        "delivery": EventDelivery.objects.create(event=event, listener="nobody"),
    }  # fmt: skip


def _account(world: World) -> dict[str, Any]:
    """What belongs to the owner himself."""
    now = timezone.now()
    return {
        "channel": NotificationChannel.objects.create(
            user=world.ann, type="slack", name="c", address_sealed=seal("https://hooks.example/x")
        ),
        "notification": Notification.objects.create(
            user=world.ann,
            organization=world.org,
            kind="mention",
            event_id=uuid4(),
            subject="n",
            path="/boards",
        ),
        "token": ApiToken.objects.filter(user=world.ann).earliest("created_at"),
        "passkey": Passkey.objects.create(
            user=world.ann, name="p", credential_id="c", public_data=b"d"
        ),
        "session": BrowserSession.objects.create(user=world.ann, session_key="k", last_seen_at=now),
    }
