"""Who may call what: every route of the API times every kind of caller.

A row names the callers that get past authentication, visibility and rights (they may still be
refused for their empty body or the state of things); everybody else must get 401, 403 or 404.
A route without a row fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.urls import URLPattern
from django.utils import timezone

from activity.models import ActivityEvent, EventDelivery, WebhookDelivery, WebhookEndpoint
from agents.models import Budget, Execution, Onboarding, Skill, SkillPack, TemplateSync
from boards.models import BoardGroup, BoardWebhook, WebhookPayload
from gateways.models import GatewayCleanup
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel.secrets import seal
from missioncontrol.urls import api as api_patterns
from orgs.models import ApiToken, Membership
from orgs.notices.models import NotificationChannel
from orgs.signin.models import BrowserSession, Passkey
from tests import factories
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db

PEOPLE = "outsider stranger reader writer admin owner read_token"
READERS = "reader writer owner read_token worker lead"
WRITERS = "writer owner worker lead"
ADMINS = "admin owner"
ADMIN_READ = "admin owner read_token"
BOARD_READ = "reader writer owner read_token"

#: method, path, callers let through. ``outsider`` is a member of A without any grant, ``stranger``
#: the owner of organization B, ``read_token`` the owner's token that may only read.
ROWS = f"""
POST auth/bootstrap : {PEOPLE}
POST auth/login : *
POST auth/logout : *
GET users/me : {PEOPLE}
PATCH users/me : outsider stranger reader writer admin owner
DELETE users/me : outsider stranger reader writer admin owner
POST auth/passkey : *
POST auth/passkey/options : *
GET users/me/second-factor : {PEOPLE}
POST users/me/second-factor : outsider stranger reader writer admin owner
DELETE users/me/second-factor : outsider stranger reader writer admin owner
POST users/me/second-factor/confirm : outsider stranger reader writer admin owner
POST users/me/second-factor/recovery-codes : outsider stranger reader writer admin owner
GET users/me/passkeys : {PEOPLE}
POST users/me/passkeys :
POST users/me/passkeys/options :
DELETE users/me/passkeys/<passkey> : owner
GET users/me/sessions : {PEOPLE}
DELETE users/me/sessions : outsider stranger reader writer admin owner
DELETE users/me/sessions/<session> : owner
GET users/me/tokens : {PEOPLE}
POST users/me/tokens : outsider stranger reader writer admin owner
DELETE users/me/tokens/<token> : owner
GET organizations : {PEOPLE}
POST organizations : outsider stranger reader writer admin owner
GET organizations/me : {PEOPLE}
DELETE organizations/me : stranger owner
GET organizations/me/list : {PEOPLE}
PATCH organizations/me/active : outsider reader writer admin owner
GET organizations/me/member : {PEOPLE}
DELETE organizations/me/member : outsider stranger reader writer admin owner
GET organizations/me/invites : admin stranger owner read_token
POST organizations/me/invites : admin stranger owner
DELETE organizations/me/invites/<invite> : {ADMINS}
POST organizations/invites/accept : outsider
GET organizations/me/members : {PEOPLE}
GET organizations/me/members/<member> : {ADMIN_READ} reader
PATCH organizations/me/members/<member> : {ADMINS}
DELETE organizations/me/members/<member> : {ADMINS}
PUT organizations/me/members/<member>/access : {ADMINS}
GET organizations/<organization> : outsider reader writer admin owner read_token
PATCH organizations/<organization> : {ADMINS}
DELETE organizations/<organization> : owner
GET notifications : {PEOPLE}
PATCH notifications : outsider stranger reader writer admin owner
GET notifications/count : {PEOPLE}
GET notifications/settings : {PEOPLE}
PUT notifications/settings : outsider stranger reader writer admin owner
GET notifications/channels : {PEOPLE}
POST notifications/channels : outsider stranger reader writer admin owner
PATCH notifications/channels/<channel> : owner
DELETE notifications/channels/<channel> : owner
POST notifications/channels/<channel>/test : owner
GET notifications/channels/<channel>/deliveries : owner read_token
GET activity : {PEOPLE} worker lead other_agent
GET activity/task-comments : {PEOPLE}
GET metrics/dashboard : {PEOPLE}
GET webhook-endpoints : admin stranger owner read_token
POST webhook-endpoints : admin stranger owner
GET webhook-endpoints/<endpoint> : {ADMIN_READ}
PATCH webhook-endpoints/<endpoint> : {ADMINS}
DELETE webhook-endpoints/<endpoint> : {ADMINS}
POST webhook-endpoints/<endpoint>/rotate-secret : {ADMINS}
POST webhook-endpoints/<endpoint>/test : {ADMINS}
GET webhook-endpoints/<endpoint>/deliveries : {ADMIN_READ}
GET webhook-endpoints/<endpoint>/deliveries/<sent> : {ADMIN_READ}
POST webhook-endpoints/<endpoint>/deliveries/<sent>/replay : {ADMINS}
GET jobs : admin stranger owner read_token
GET jobs/parked : admin stranger owner read_token
POST jobs/parked/<delivery>/retry : admin owner
POST jobs/<job>/retry :
DELETE jobs/<job> :
GET approvals : {PEOPLE} worker lead other_agent
POST approvals : {WRITERS}
GET approvals/<approval> : {READERS}
PATCH approvals/<approval> : writer owner
POST approvals/<approval>/cancel : owner worker
GET boards/<board>/approvals/<approval> : {READERS}
PATCH boards/<board>/approvals/<approval> : writer owner
POST boards/<board>/approvals/<approval>/cancel : owner worker
GET agent/boards/<board>/approvals/<approval> : worker lead
GET gateways : admin stranger owner read_token
POST gateways : admin stranger owner
GET gateways/status : {ADMIN_READ}
POST gateways/status : {ADMIN_READ}
GET gateways/commands : admin stranger owner read_token
GET gateways/sessions : owner read_token
GET gateways/sessions/<key> : owner read_token
GET gateways/sessions/<key>/history : owner read_token
POST gateways/sessions/<key>/message : owner
GET gateways/<gateway> : {ADMIN_READ}
PATCH gateways/<gateway> : {ADMINS}
DELETE gateways/<gateway> : {ADMINS}
POST gateways/<gateway>/check : {ADMINS}
GET gateways/<gateway>/pairing : {ADMIN_READ}
POST gateways/<gateway>/pairing : {ADMINS}
GET gateways/<gateway>/exec-policy : {ADMIN_READ}
POST gateways/<gateway>/exec-policy : {ADMINS}
GET gateways/<gateway>/logs : {ADMIN_READ}
GET gateways/<gateway>/agents : {ADMIN_READ}
GET gateways/<gateway>/models : {ADMIN_READ}
GET gateways/<gateway>/devices : {ADMIN_READ}
GET gateways/<gateway>/history : {ADMIN_READ}
GET gateways/versions : admin stranger owner read_token
GET gateways/cleanups : admin stranger owner read_token
DELETE gateways/cleanups/<cleanup> : admin owner
POST gateways/<gateway>/templates/sync : {ADMINS}
POST gateways/<gateway>/execute : writer owner
GET board-groups : {PEOPLE}
POST board-groups : stranger admin owner
GET board-groups/<group> : reader writer owner read_token
PATCH board-groups/<group> : owner
DELETE board-groups/<group> : owner
GET board-groups/<group>/snapshot : reader writer owner read_token
GET boards : {PEOPLE} worker lead other_agent
POST boards : stranger admin owner
GET boards/<board> : {READERS}
PATCH boards/<board> : writer owner
DELETE boards/<board> : owner
GET boards/<board>/snapshot : {READERS}
GET boards/<board>/group-snapshot : {READERS}
GET boards/<board>/events : {READERS}
GET boards/<board>/tasks : {READERS}
POST boards/<board>/tasks : writer owner lead
POST boards/<board>/tasks/bulk : {WRITERS}
GET tags : {PEOPLE}
POST tags : stranger admin owner
GET tags/<tag> : outsider reader writer admin owner read_token
PATCH tags/<tag> : {ADMINS}
DELETE tags/<tag> : {ADMINS}
GET organizations/me/custom-fields : {PEOPLE}
POST organizations/me/custom-fields : stranger admin owner
PATCH organizations/me/custom-fields/<field> : {ADMINS}
DELETE organizations/me/custom-fields/<field> : {ADMINS}
GET agent/boards/<board>/tags : worker lead
GET boards/<board>/tasks/<task> : {READERS}
PATCH boards/<board>/tasks/<task> : {WRITERS}
DELETE boards/<board>/tasks/<task> : writer owner lead
GET boards/<board>/tasks/<task>/comments : {READERS}
POST boards/<board>/tasks/<task>/comments : {WRITERS}
PATCH boards/<board>/tasks/<task>/comments/<comment> : owner
DELETE boards/<board>/tasks/<task>/comments/<comment> : owner
GET boards/<board>/approvals : {READERS}
POST boards/<board>/approvals : {WRITERS}
GET tasks : {PEOPLE} worker lead other_agent
POST tasks : writer owner lead
GET tasks/<task> : {READERS}
PATCH tasks/<task> : {WRITERS}
DELETE tasks/<task> : writer owner lead
GET tasks/<task>/comments : {READERS}
POST tasks/<task>/comments : {WRITERS}
PATCH tasks/<task>/comments/<comment> : owner
DELETE tasks/<task>/comments/<comment> : owner
POST tasks/<task>/assign-agent : writer owner lead
POST tasks/<task>/move : owner
POST tasks/<task>/execute : writer owner
GET executions : {PEOPLE}
GET executions/<execution> : reader writer owner read_token
POST executions/<execution>/cancel : writer owner
GET agents : {PEOPLE} worker lead other_agent
POST agents : stranger admin owner lead other_agent
GET agents/<agent> : {ADMIN_READ} reader writer worker lead
PATCH agents/<agent> : owner
DELETE agents/<agent> : owner lead
POST agents/heartbeat : owner worker lead other_agent
POST agents/<agent>/heartbeat : {ADMINS} worker
POST agents/<agent>/rotate-token : {ADMINS}
POST agents/<agent>/wake : {ADMINS}
POST agents/<agent>/retry : {ADMINS}
POST agents/<agent>/pause : {ADMINS}
POST agents/<agent>/resume : {ADMINS}
GET agents/<agent>/files : {ADMIN_READ}
GET agents/<agent>/files/<name> : {ADMIN_READ}
PUT agents/<agent>/files/<name> : {ADMINS}
GET boards/<board>/webhooks : {BOARD_READ}
POST boards/<board>/webhooks : writer owner
GET boards/<board>/webhooks/<webhook> : {BOARD_READ}
POST boards/<board>/webhooks/<webhook> : *
PATCH boards/<board>/webhooks/<webhook> : writer owner
DELETE boards/<board>/webhooks/<webhook> : writer owner
GET boards/<board>/webhooks/<webhook>/payloads : {BOARD_READ}
GET boards/<board>/webhooks/<webhook>/payloads/<payload> : {BOARD_READ}
POST boards/<board>/webhooks/<webhook>/payloads/<payload>/redeliver : writer owner
GET agent/boards/<board>/webhooks/<webhook>/payloads/<payload> : worker lead
GET boards/<board>/onboarding : {BOARD_READ}
POST boards/<board>/onboarding/start : writer owner
POST boards/<board>/onboarding/answer : writer owner
POST boards/<board>/onboarding/agent :
POST boards/<board>/onboarding/confirm : writer owner
POST boards/<board>/onboarding/cancel : writer owner
POST agent/boards/<board>/onboarding :
GET skills/marketplace : {ADMIN_READ}
POST skills/marketplace : stranger admin owner
GET skills/marketplace/<skill> : {ADMIN_READ}
DELETE skills/marketplace/<skill> : {ADMINS}
POST skills/marketplace/<skill>/install : {ADMINS}
POST skills/marketplace/<skill>/uninstall : {ADMINS}
GET skills/packs : admin stranger owner read_token
POST skills/packs : admin stranger owner
GET skills/packs/<pack> : {ADMIN_READ}
PATCH skills/packs/<pack> : {ADMINS}
DELETE skills/packs/<pack> : {ADMINS}
POST skills/packs/<pack>/sync : {ADMINS}
POST agent/skills/<skill>/state :
GET usage : {PEOPLE}
GET agents/discover : {ADMIN_READ}
POST agents/link : owner
POST agents/<agent>/unlink : owner
POST gateways/<gateway>/templates/preview : {ADMINS}
GET gateways/<gateway>/templates/syncs : {ADMIN_READ}
POST gateways/<gateway>/templates/syncs : {ADMINS}
GET gateways/<gateway>/templates/syncs/<sync> : {ADMIN_READ}
GET agents/<agent>/usage : {ADMIN_READ} reader writer
GET agents/<agent>/sessions : {ADMIN_READ}
GET agents/<agent>/sessions/<key>/history :
POST agent/usage : worker lead other_agent
GET budgets : admin stranger owner read_token
POST budgets : stranger admin owner
GET budgets/<budget> : {ADMIN_READ}
PATCH budgets/<budget> : {ADMINS}
DELETE budgets/<budget> : {ADMINS}
GET souls-directory/search : {PEOPLE} worker lead other_agent
GET souls-directory/<handle>/<slug>.md : {PEOPLE} worker lead other_agent
GET souls-directory/<handle>/<slug> : {PEOPLE} worker lead other_agent
GET agent/boards : worker lead other_agent
GET agent/boards/<board> : worker lead
GET agent/boards/<board>/tasks : worker lead
POST agent/boards/<board>/tasks : lead
GET agent/boards/<board>/tasks/<task> : worker lead
PATCH agent/boards/<board>/tasks/<task> : worker lead
DELETE agent/boards/<board>/tasks/<task> : lead
GET agent/boards/<board>/tasks/<task>/comments : worker lead
POST agent/boards/<board>/tasks/<task>/comments : worker lead
GET agent/boards/<board>/approvals : worker lead
POST agent/boards/<board>/approvals : worker lead
GET boards/<board>/memory : {READERS}
POST boards/<board>/memory : {WRITERS}
PUT boards/<board>/memory/<key> : {WRITERS}
GET boards/<board>/group-memory : {READERS}
POST boards/<board>/group-memory : {WRITERS}
GET agent/boards/<board>/memory : worker lead
POST agent/boards/<board>/memory : worker lead
GET board-groups/<group>/memory : reader writer owner read_token
POST board-groups/<group>/memory : writer owner
POST board-groups/<group>/heartbeat : owner lead
GET activity/stream : {PEOPLE} worker lead other_agent
GET activity/task-comments/stream : {PEOPLE}
GET agents/stream : {PEOPLE} worker lead other_agent
GET boards/<board>/tasks/stream : {READERS}
GET boards/<board>/approvals/stream : {READERS}
GET boards/<board>/memory/stream : {READERS}
GET boards/<board>/group-memory/stream : {READERS}
GET board-groups/<group>/memory/stream : reader writer owner read_token
GET agent/healthz : worker lead other_agent
POST agent/heartbeat : worker lead other_agent
GET agent/agents : worker lead other_agent
POST agent/agents : lead other_agent
DELETE agent/boards/<board>/agents/<agent> : lead
POST agent/boards/<board>/agents/<agent>/nudge : lead
GET agent/boards/<board>/agents/<agent>/soul : worker lead
PUT agent/boards/<board>/agents/<agent>/soul : lead
POST agent/boards/<board>/gateway/main/ask-user : lead
POST agent/gateway/boards/<board>/lead/message :
POST agent/gateway/leads/broadcast :
POST agent/executions/<execution> : worker
"""


#: Bodies that fit, so that a refusal is about rights. Ids are filled in from the stage.
BODIES: dict[str, dict[str, Any]] = {
    "POST users/me/tokens": {"name": "t", "scope": "read"},
    "DELETE users/me/second-factor": {"code": "123456"},
    "POST users/me/second-factor/confirm": {"code": "123456"},
    "POST users/me/second-factor/recovery-codes": {"code": "123456"},
    "PATCH users/me": {"name": "n"},
    "POST organizations": {"name": "New one"},
    "PATCH organizations/me/active": {"organization_id": "<own>"},
    "POST organizations/me/invites": {"invited_email": "new@example.org"},
    "POST organizations/invites/accept": {"token": "mci_of-carol"},
    "POST notifications/channels": {"type": "slack", "name": "n", "address": "https://e.org/x"},
    "PATCH notifications/channels/<channel>": {"name": "n"},
    "PATCH organizations/me/members/<member>": {"role": "member"},
    "PUT organizations/me/members/<member>/access": {"all_boards_read": True},
    "PATCH organizations/<organization>": {"description": "d"},
    "POST approvals": {"task_id": "<task>", "action": "x", "reason": "r"},
    "PATCH approvals/<approval>": {"status": "approved"},
    "PATCH boards/<board>/approvals/<approval>": {"status": "approved"},
    "POST boards/<board>/approvals": {"action_type": "x", "lead_reasoning": "r"},
    "POST agent/boards/<board>/approvals": {"action_type": "x", "lead_reasoning": "r"},
    "POST webhook-endpoints": {"name": "n", "url": "https://example.com/hook"},
    "PATCH webhook-endpoints/<endpoint>": {"name": "n"},
    "POST gateways": {"name": "n", "url": "ws://127.0.0.1:1"},
    "POST gateways/status": {"gateway_id": "<gateway>"},
    "GET gateways/status": {"gateway_id": "<gateway>"},
    "GET gateways/commands": {"gateway_id": "<gateway>"},
    "GET gateways/sessions": {"board_id": "<board>"},
    "GET gateways/sessions/<key>": {"board_id": "<board>"},
    "GET gateways/sessions/<key>/history": {"board_id": "<board>"},
    "POST gateways/sessions/<key>/message": {"content": "c"},
    "PATCH gateways/<gateway>": {"name": "n"},
    "POST gateways/<gateway>/exec-policy": {"mode": "ask"},
    "POST gateways/<gateway>/execute": {"task_id": "<task>"},
    "POST board-groups": {"name": "n"},
    "PATCH board-groups/<group>": {"name": "n"},
    "POST boards": {"name": "n"},
    "PATCH boards/<board>": {"description": "d"},
    "POST boards/<board>/tasks": {"title": "t2"},
    "POST agent/boards/<board>/tasks": {"title": "t2"},
    "POST boards/<board>/tasks/bulk": {"ids": ["<task>"], "change": {"priority": "low"}},
    "POST tags": {"name": "n"},
    "PATCH tags/<tag>": {"name": "n2"},
    "POST organizations/me/custom-fields": {"field_key": "k", "board_ids": ["<board>"]},
    "PATCH organizations/me/custom-fields/<field>": {"label": "l2"},
    "POST tasks": {"board_id": "<board>", "title": "t2"},
    "POST boards/<board>/tasks/<task>/comments": {"message": "m"},
    "POST agent/boards/<board>/tasks/<task>/comments": {"message": "m"},
    "POST tasks/<task>/comments": {"message": "m"},
    "POST boards/<board>/webhooks": {"description": "d"},
    "PATCH boards/<board>/webhooks/<webhook>": {"description": "e"},
    "POST boards/<board>/onboarding/answer": {"answer": "a"},
    "POST boards/<board>/onboarding/confirm": {"board_type": "general"},
    "POST boards/<board>/onboarding/agent": {"status": "complete", "board_type": "general"},
    "POST agent/boards/<board>/onboarding": {"status": "complete", "board_type": "general"},
    "PATCH boards/<board>/tasks/<task>/comments/<comment>": {"message": "m"},
    "PATCH tasks/<task>/comments/<comment>": {"message": "m"},
    "POST tasks/<task>/assign-agent": {"agent_id": None},
    "POST tasks/<task>/move": {"board_id": "<other_board>"},
    "POST boards/<board>/memory": {"content": "c", "tags": ["chat"]},
    "PUT boards/<board>/memory/<key>": {"content": "c"},
    "POST boards/<board>/group-memory": {"content": "c"},
    "POST agent/boards/<board>/memory": {"content": "c"},
    "POST board-groups/<group>/memory": {"content": "c"},
    "POST board-groups/<group>/heartbeat": {"every": "10m"},
    "POST agents": {"name": "n"},
    "PATCH agents/<agent>": {"description": "d"},
    "POST agents/heartbeat": {"name": "n", "board_id": "<board>"},
    "PUT agents/<agent>/files/<name>": {"content": "c"},
    "POST agent/agents": {"name": "n"},
    "POST agent/boards/<board>/agents/<agent>/nudge": {"message": "m"},
    "PUT agent/boards/<board>/agents/<agent>/soul": {"content": "c"},
    "POST agent/boards/<board>/gateway/main/ask-user": {"content": "c"},
    "POST agent/gateway/boards/<board>/lead/message": {"content": "c"},
    "POST agent/gateway/leads/broadcast": {"content": "c"},
    "POST agent/executions/<execution>": {"status": "running"},
}


#: Skills and packs.
BODIES |= {
    "GET skills/marketplace": {"gateway_id": "<gateway>"},
    "POST skills/marketplace": {"source_url": "https://example.org/skills/one"},
    "POST skills/marketplace/<skill>/install": {"gateway_id": "<gateway>"},
    "POST skills/marketplace/<skill>/uninstall": {"gateway_id": "<gateway>"},
    "POST skills/packs": {"source_url": "https://github.com/acme/skills"},
    "PATCH skills/packs/<pack>": {"description": "d"},
    "POST agent/skills/<skill>/state": {"state": "installed"},
    "GET agents/discover": {"gateway_id": "<gateway>"},
    "POST agents/link": {
        "gateway_id": "<gateway>",
        "remote_agent_id": "old",
        "board_id": "<board>",
    },
    "POST agent/usage": {"model": "m", "input_tokens": 1},
    "POST budgets": {"scope": "organization", "limit": "5", "period": "day"},
    "PATCH budgets/<budget>": {"limit": "6"},
}


@dataclass(frozen=True)
class Row:
    """A parsed line of the table."""

    method: str
    path: str
    callers: frozenset[str]


def rows() -> list[Row]:
    found = []
    for line in ROWS.strip().splitlines():
        call, _, callers = line.partition(":")
        method, path = call.split()
        found.append(Row(method, path, frozenset(callers.split())))
    return found


def _names(pattern: str) -> str:
    """A Django path as the table writes it."""
    short = {"task_ref": "task"}
    return re.sub(
        r"<(?:\w+:)?(\w+)>",
        lambda m: f"<{short.get(m.group(1), m.group(1).removesuffix('_id'))}>",
        pattern,
    )


def _routes(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            view = getattr(entry.callback, "view_class", None) or entry.callback.cls
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(view, method):
                    yield method.upper(), _names(path)
        else:
            yield from _routes(entry.url_patterns, path)


def test_every_route_has_a_row() -> None:
    routes = set(_routes(api_patterns))
    listed = {(row.method, row.path) for row in rows()}
    assert routes - listed == set()
    assert listed - routes == set()


@dataclass
class Stage:
    """The world with one row of everything, and a client per caller."""

    ids: dict[str, str]
    clients: dict[str, Client]


@pytest.fixture
def stage(world: World) -> Stage:
    outsider, writer, admin = (factories.make_user(n) for n in ("carol", "wanda", "adam"))
    factories.make_member(world.org, outsider)
    factories.make_member(world.org, writer)
    factories.make_member(world.org, admin, "admin", all_boards_read=False, all_boards_write=False)
    factories.grant(world.board, writer, "write")
    group = BoardGroup.objects.create(organization=world.org, name="G", slug="g")
    type(world.board).objects.filter(pk=world.board.pk).update(board_group=group)
    task = factories.make_task(world.board, assigned_agent=world.worker, status="review")
    comment = factories.make_comment(task, author_id=world.ann.id)
    approval = Approval.objects.create(
        organization=world.org, board_id=world.board.id, action_type="x",
        requested_by_kind="agent", requested_by_id=world.worker.id, requested_by_name="WA",
        agent_id=world.worker.id,
    )  # fmt: skip
    ApprovalTask.objects.create(approval=approval, task_id=task.id, title="t")
    budget = Budget.objects.create(organization=world.org, scope="organization", limit=10)
    sync = TemplateSync.objects.create(organization=world.org, gateway=world.gateway, state="done")
    pack = SkillPack.objects.create(
        organization=world.org, name="p", source_url="https://github.com/acme/p"
    )
    skill = Skill.objects.create(
        organization=world.org, pack=pack, name="s", source_url="https://github.com/acme/p/tree/s"
    )
    execution = Execution.objects.create(
        organization=world.org, task=task, agent=world.worker, requested_by_kind="user",
        requested_by_name="ann", status="running",
    )  # fmt: skip
    cleanup = GatewayCleanup.objects.create(
        organization=world.org, gateway_id=world.gateway.id, name="Gone", url="ws://127.0.0.1:9"
    )
    webhook = BoardWebhook.objects.create(
        organization=world.org, board=world.board, description="d"
    )
    payload = WebhookPayload.objects.create(
        organization=world.org, board=world.board, webhook=webhook, body="{}", is_json=True,
        received_at=timezone.now(), delivery_status="failed",
    )  # fmt: skip
    Onboarding.objects.create(
        organization=world.org, board=world.board, session_key="agent:x:main",
        messages=[{"role": "user", "content": "c", "timestamp": "2026-01-01T00:00:00Z"}],
    )  # fmt: skip
    event = ActivityEvent.objects.create(
        organization_id=world.org.id, seq=0, actor_kind="user", actor_name="x", target_kind="task",
        target_title="t", type="task.created", at=timezone.now(),
    )  # fmt: skip
    delivery = EventDelivery.objects.create(event=event, listener="nobody")
    endpoint = WebhookEndpoint.objects.create(
        organization=world.org, name="E", url="https://example.com", secret_sealed="",
        secret_hint="abcd",
    )  # fmt: skip
    sent = WebhookDelivery.objects.create(
        endpoint=endpoint, event_id=event.id, event_type="task.created", seq=1, body="{}"
    )
    channel = NotificationChannel.objects.create(
        user=world.ann, type="slack", name="c", address_sealed=seal("https://hooks.example/x")
    )
    read_token = factories.make_token(world.ann, scope="read")
    expired = factories.make_token(world.ann, expires_at=timezone.now() - timedelta(days=1))
    token = ApiToken.objects.filter(user=world.ann).earliest("created_at")
    passkey = Passkey.objects.create(user=world.ann, name="p", credential_id="c", public_data=b"d")
    session = BrowserSession.objects.create(
        user=world.ann, session_key="k", last_seen_at=timezone.now()
    )
    member = Membership.objects.get(user=world.bob, organization=world.org)
    invite = factories.make_invite(world.org, "carol@example.org", token="mci_of-carol")
    type(outsider).objects.filter(pk=outsider.pk).update(email_verified=True)
    return Stage(
        ids={
            "passkey": str(passkey.id), "session": str(session.id), "token": str(token.id),
            "invite": str(invite.id), "member": str(member.id), "organization": str(world.org.id),
            "approval": str(approval.id), "board": str(world.board.id), "group": str(group.id),
            "gateway": str(world.gateway.id), "cleanup": str(cleanup.id),
            "endpoint": str(endpoint.id), "sent": str(sent.id), "delivery": str(delivery.pk),
            "job": "no-such-job", "task": str(task.id), "comment": str(comment.id),
            "execution": str(execution.id), "agent": str(world.worker.id),
            "budget": str(budget.id), "sync": str(sync.id),
            "pack": str(pack.id), "skill": str(skill.id),
            "handle": "mission-control", "slug": "tester",
            "channel": str(channel.id),
            "key": "agent:x:main", "name": "AGENTS.md", "own": str(world.org.id),
            "other_board": str(world.second_board.id), "webhook": str(webhook.id),
            "payload": str(payload.id),
            "tag": str(factories.make_tag(world.org).id),
            "field": str(factories.make_field(world.board).id),
        },
        clients={
            "anonymous": Client(),
            "expired": Client(bearer=expired),
            "nonsense": Client(bearer="a.b.c"),
            "bad_agent": Client(agent_token="mca_" + "x" * 43),
            "outsider": Client(bearer=factories.make_token(outsider)),
            "stranger": world.as_eve,
            "reader": world.as_bob,
            "writer": Client(bearer=factories.make_token(writer)),
            "admin": Client(bearer=factories.make_token(admin)),
            "owner": world.as_ann,
            "read_token": Client(bearer=read_token),
            "worker": world.as_worker,
            "lead": world.as_lead,
            "other_agent": world.as_other_lead,
        },
    )  # fmt: skip


class _Undo(Exception):
    """Ends a call's savepoint."""


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(entry, ids) for entry in value]
    return ids[value[1:-1]] if isinstance(value, str) and value.startswith("<") else value


def _status(client: Client, row: Row, ids: dict[str, str]) -> int:
    path = re.sub(r"<(\w+)>", lambda m: ids[m.group(1)], row.path)
    body = BODIES.get(f"{row.method} {row.path}", {})
    body = {name: _filled(value, ids) for name, value in body.items()}
    if row.method == "GET":
        path, body = f"{path}?{urlencode(body)}", {}
    elif path.endswith("/message"):
        path = f"{path}?board_id={ids['board']}"
    status = 0
    try:
        with transaction.atomic():
            status = client.request(row.method, f"/{path}", body).status
            raise _Undo
    except _Undo:
        return status


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.method} {row.path}")
def test_only_these_callers_get_through(row: Row, stage: Stage) -> None:
    wrong = {}
    for caller, client in stage.clients.items():
        status = _status(client, row, stage.ids)
        through = status not in (401, 403, 404)
        if "*" not in row.callers and through != (caller in row.callers):
            wrong[caller] = status
        assert status < 500 or status in (502, 503), (caller, status)
    assert wrong == {}, f"{row.method} {row.path}"
