"""A database as the original product leaves it: its tables, with one small organization."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

TABLES = """
CREATE TABLE alembic_version (version_num text);
CREATE TABLE users (id uuid PRIMARY KEY, clerk_user_id text, email text, name text,
  preferred_name text, pronouns text, timezone text, notes text, context text,
  is_super_admin boolean, active_organization_id uuid);
CREATE TABLE organizations (id uuid PRIMARY KEY, name text, created_at timestamp,
  updated_at timestamp);
CREATE TABLE organization_members (id uuid PRIMARY KEY, organization_id uuid, user_id uuid,
  role text, all_boards_read boolean, all_boards_write boolean, created_at timestamp,
  updated_at timestamp);
CREATE TABLE organization_board_access (id uuid PRIMARY KEY, organization_member_id uuid,
  board_id uuid, can_read boolean, can_write boolean, created_at timestamp, updated_at timestamp);
CREATE TABLE organization_invites (id uuid PRIMARY KEY, organization_id uuid, invited_email text,
  token text, role text, all_boards_read boolean, all_boards_write boolean,
  created_by_user_id uuid, accepted_by_user_id uuid, accepted_at timestamp, created_at timestamp,
  updated_at timestamp);
CREATE TABLE gateways (id uuid PRIMARY KEY, organization_id uuid, name text, url text, token text,
  workspace_root text, created_at timestamp, updated_at timestamp);
CREATE TABLE board_groups (id uuid PRIMARY KEY, organization_id uuid, name text, slug text,
  description text, created_at timestamp, updated_at timestamp);
CREATE TABLE boards (id uuid PRIMARY KEY, organization_id uuid, name text, slug text,
  description text, gateway_id uuid, board_group_id uuid, board_type text, objective text,
  success_metrics json, target_date timestamp, goal_confirmed boolean, goal_source text,
  require_approval_for_done boolean, max_agents integer, created_at timestamp,
  updated_at timestamp);
CREATE TABLE agents (id uuid PRIMARY KEY, board_id uuid, gateway_id uuid, name text, status text,
  openclaw_session_id text, agent_token_hash text, heartbeat_config json, identity_profile json,
  identity_template text, soul_template text, last_seen_at timestamp, is_board_lead boolean,
  lifecycle_generation integer, created_at timestamp, updated_at timestamp);
CREATE TABLE tags (id uuid PRIMARY KEY, organization_id uuid, name text, slug text, color text,
  description text, created_at timestamp, updated_at timestamp);
CREATE TABLE tag_assignments (id uuid PRIMARY KEY, task_id uuid, tag_id uuid,
  created_at timestamp);
CREATE TABLE task_custom_field_definitions (id uuid PRIMARY KEY, organization_id uuid,
  field_key text, label text, field_type text, ui_visibility text, validation_regex text,
  description text, required boolean, default_value json, created_at timestamp,
  updated_at timestamp);
CREATE TABLE board_task_custom_fields (id uuid PRIMARY KEY, board_id uuid,
  task_custom_field_definition_id uuid, created_at timestamp);
CREATE TABLE task_custom_field_values (id uuid PRIMARY KEY, task_id uuid,
  task_custom_field_definition_id uuid, value json, created_at timestamp, updated_at timestamp);
CREATE TABLE tasks (id uuid PRIMARY KEY, board_id uuid, title text, description text, status text,
  priority text, due_at timestamp, in_progress_at timestamp, previous_in_progress_at timestamp,
  created_by_user_id uuid, assigned_agent_id uuid, auto_created boolean, auto_reason text,
  created_at timestamp, updated_at timestamp);
CREATE TABLE task_dependencies (id uuid PRIMARY KEY, board_id uuid, task_id uuid,
  depends_on_task_id uuid, created_at timestamp);
CREATE TABLE task_fingerprints (id uuid PRIMARY KEY, board_id uuid, fingerprint_hash text,
  task_id uuid, created_at timestamp);
CREATE TABLE approvals (id uuid PRIMARY KEY, board_id uuid, task_id uuid, agent_id uuid,
  action_type text, payload json, confidence integer, rubric_scores json, status text,
  created_at timestamp, resolved_at timestamp);
CREATE TABLE approval_task_links (id uuid PRIMARY KEY, approval_id uuid, task_id uuid,
  created_at timestamp);
CREATE TABLE board_memory (id uuid PRIMARY KEY, board_id uuid, content text, tags json,
  is_chat boolean, source text, created_at timestamp);
CREATE TABLE board_webhooks (id uuid PRIMARY KEY, board_id uuid, agent_id uuid, description text,
  enabled boolean, secret text, signature_header text, created_at timestamp,
  updated_at timestamp);
CREATE TABLE board_webhook_payloads (id uuid PRIMARY KEY, board_id uuid, webhook_id uuid,
  payload json, headers json, source_ip text, content_type text, received_at timestamp);
CREATE TABLE activity_events (id uuid PRIMARY KEY, event_type text, message text, agent_id uuid,
  task_id uuid, board_id uuid, created_at timestamp);
CREATE TABLE local_experiments (id uuid PRIMARY KEY, remark text);
"""
WHEN = "2026-03-01 10:00:00"


def slow_hash(token: str) -> str:
    """A token's hash as the original product stored it."""
    salt = hashlib.sha256(token.encode()).digest()[:16]
    digest = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, 200_000)
    text = [base64.urlsafe_b64encode(raw).decode().rstrip("=") for raw in (salt, digest)]
    return f"pbkdf2_sha256$200000${text[0]}${text[1]}"


@dataclass
class Predecessor:
    """The database's address and the ids of what is in it."""

    url: str
    worker_token: str = "w" * 43
    ids: dict[str, UUID] = field(default_factory=dict)

    def id(self, name: str) -> UUID:
        """The id of that name; made at its first use."""
        return self.ids.setdefault(name, uuid4())

    def add(self, table: str, **values: Any) -> None:
        """Insert one row."""
        values.setdefault("id", uuid4())
        columns = ", ".join(values)
        places = ", ".join(["%s"] * len(values))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({places})",
                [Jsonb(v) if isinstance(v, dict | list) else v for v in values.values()],
            )


def build(url: str) -> Predecessor:
    """Make the tables and fill them with one organization at work."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
    there = Predecessor(url)
    _people(there)
    _boards(there)
    _tasks(there)
    _record(there)
    return there


def _people(there: Predecessor) -> None:
    times = {"created_at": WHEN, "updated_at": WHEN}
    for name, clerk in (("local", "local-auth-user"), ("mia", "user_mia")):
        there.add("users", id=there.id(name), clerk_user_id=clerk, email=f"{name}@home.local",
                  name=name.title())  # fmt: skip
    there.add("organizations", id=there.id("org"), name="Personal", **times)
    for name, role in (("local", "owner"), ("mia", "member")):
        there.add("organization_members", id=there.id(f"{name} membership"),
                  organization_id=there.id("org"), user_id=there.id(name), role=role,
                  all_boards_read=role == "owner", all_boards_write=role == "owner",
                  **times)  # fmt: skip
    there.add("organization_board_access", organization_member_id=there.id("mia membership"),
              board_id=there.id("board"), can_read=True, can_write=True)  # fmt: skip
    there.add("organization_invites", id=there.id("invite"), organization_id=there.id("org"),
              invited_email="New@Example.com", token="t" * 32, role="admin",
              created_by_user_id=there.id("local"), **times)  # fmt: skip


def _boards(there: Predecessor) -> None:
    times = {"created_at": WHEN, "updated_at": WHEN}
    there.add("gateways", id=there.id("gateway"), organization_id=there.id("org"), name="Harbour",
              url="ws://127.0.0.1:18789", token="gateway-token-1234", **times)  # fmt: skip
    there.add("board_groups", id=there.id("group"), organization_id=there.id("org"),
              name="Everything", slug="everything", **times)  # fmt: skip
    there.add("boards", id=there.id("board"), organization_id=there.id("org"), name="Operations",
              slug="operations", gateway_id=there.id("gateway"),
              board_group_id=there.id("group"), board_type="goal", objective="Run",
              success_metrics={"uptime": "99"}, goal_confirmed=True,
              require_approval_for_done=False, max_agents=3, **times)  # fmt: skip
    for name, lead, board in (
        ("lead", True, True),
        ("worker", False, True),
        ("main", False, False),
    ):
        token = there.worker_token if name == "worker" else name * 12
        there.add("agents", id=there.id(name), name=name.title(), status="online",
                  board_id=there.id("board") if board else None,
                  gateway_id=there.id("gateway"), agent_token_hash=slow_hash(token),
                  is_board_lead=lead, heartbeat_config={"every": "10m"}, **times)  # fmt: skip


def _tasks(there: Predecessor) -> None:
    times = {"created_at": WHEN, "updated_at": WHEN}
    there.add("tags", id=there.id("tag"), organization_id=there.id("org"), name="Urgent",
              slug="urgent", color="ff0000", **times)  # fmt: skip
    there.add("task_custom_field_definitions", id=there.id("field"),
              organization_id=there.id("org"), field_key="severity", label="Severity",
              field_type="integer", ui_visibility="always", required=False, **times)  # fmt: skip
    there.add("board_task_custom_fields", board_id=there.id("board"),
              task_custom_field_definition_id=there.id("field"))  # fmt: skip
    for number, status in enumerate(("inbox", "in_progress", "done")):
        there.add("tasks", id=there.id(status), board_id=there.id("board"), title=f"Task {status}",
                  status=status, priority="high", assigned_agent_id=there.id("worker"),
                  created_by_user_id=there.id("local"), created_at=f"2026-03-01 10:0{number}:00",
                  updated_at=WHEN)  # fmt: skip
    there.add("task_dependencies", board_id=there.id("board"), task_id=there.id("inbox"),
              depends_on_task_id=there.id("in_progress"))  # fmt: skip
    there.add("tag_assignments", task_id=there.id("inbox"), tag_id=there.id("tag"))
    there.add("task_custom_field_values", task_id=there.id("inbox"), value=Jsonb(3),
              task_custom_field_definition_id=there.id("field"))  # fmt: skip
    there.add("task_fingerprints", board_id=there.id("board"), task_id=there.id("inbox"))


def _record(there: Predecessor) -> None:
    board = there.id("board")
    there.add("approvals", id=there.id("approval"), board_id=board, task_id=there.id("done"),
              agent_id=there.id("worker"), action_type="task.done", payload={"reason": "ready"},
              confidence=90, status="approved", created_at=WHEN, resolved_at=WHEN)  # fmt: skip
    there.add("approval_task_links", approval_id=there.id("approval"),
              task_id=there.id("inbox"))  # fmt: skip
    there.add("board_memory", id=there.id("note"), board_id=board, content="Deploy on Fridays.",
              tags=["rule"], is_chat=False, source="Lead", created_at=WHEN)  # fmt: skip
    there.add("board_webhooks", id=there.id("webhook"), board_id=board, description="Triage",
              enabled=True, secret="hush", created_at=WHEN, updated_at=WHEN)  # fmt: skip
    there.add("board_webhook_payloads", board_id=board, webhook_id=there.id("webhook"),
              payload={"a": 1}, headers={}, received_at=WHEN)  # fmt: skip
    there.add("activity_events", id=there.id("comment"), event_type="task.comment",
              message="On it.", agent_id=there.id("worker"), task_id=there.id("inbox"),
              created_at=WHEN)  # fmt: skip
    there.add("activity_events", event_type="task.created", message="Task created",
              task_id=there.id("inbox"), created_at=WHEN)  # fmt: skip
    there.add("activity_events", event_type="agent.heartbeat", message="Lost", agent_id=uuid4(),
              created_at=WHEN)  # fmt: skip
    there.add("local_experiments", remark="nothing of ours")
