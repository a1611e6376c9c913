"""The least valid row of each kind, by plain functions. Every keyword overrides a field."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission

from agents.models import Agent
from boards.custom_fields import pack
from boards.models import (
    Board,
    BoardGroup,
    BoardUserObjectPermission,
    CustomField,
    Tag,
    Task,
    TaskComment,
)
from boards.services.custom_fields import spec_of
from gateways.models import Gateway
from governance.models import Approval
from missioncontrol.kernel import clock
from missioncontrol.kernel.secrets import new_token, seal, token_hash
from orgs.models import ApiToken, Invite, Membership, Organization, User

_numbers = count(1)


def make_user(username: str = "", **fields: Any) -> User:
    """A person without a password; ``password=`` sets one."""
    name = username or f"user{next(_numbers)}"
    fields.setdefault("name", name.capitalize())
    fields.setdefault("email", f"{name}@example.org")
    return User.objects.create_user(name, **fields)


def make_organization(name: str = "", **fields: Any) -> Organization:
    """A tenant without members."""
    return Organization.objects.create(name=name or f"Organization {next(_numbers)}", **fields)


def make_member(
    organization: Organization, user: User, role: str = "member", **flags: Any
) -> Membership:
    """A membership; owners get both board flags unless told otherwise."""
    if role == "owner":
        flags = {"all_boards_read": True, "all_boards_write": True, **flags}
    return Membership.objects.create(organization=organization, user=user, role=role, **flags)


def make_token(user: User, scope: str = "admin", **fields: Any) -> str:
    """A personal access token; returns its text."""
    raw = new_token("mct_")
    fields.setdefault("name", f"token {next(_numbers)}")
    ApiToken.objects.create(
        user=user, token_hash=token_hash(raw), hint=raw[-4:], scope=scope, **fields
    )
    return raw


def make_invite(
    organization: Organization, email: str, *, token: str = "", **fields: Any
) -> Invite:
    """A pending invitation; ``token`` is the text of its link."""
    raw = token or new_token("mci_")
    fields.setdefault("expires_at", clock.now() + timedelta(days=14))
    return Invite.objects.create(
        organization=organization,
        invited_email=email,
        token_hash=token_hash(raw),
        token_sealed=seal(raw),
        **fields,
    )


def make_group(organization: Organization, name: str = "", **fields: Any) -> BoardGroup:
    """A board group."""
    number = next(_numbers)
    fields.setdefault("slug", f"group-{number}")
    return BoardGroup.objects.create(
        organization=organization, name=name or f"Group {number}", **fields
    )


def make_board(organization: Organization, name: str = "", **fields: Any) -> Board:
    """A board with the default rules."""
    number = next(_numbers)
    fields.setdefault("slug", f"board-{number}")
    fields.setdefault("key", _key(number))
    return Board.objects.create(organization=organization, name=name or f"Board {number}", **fields)


def _key(number: int) -> str:
    """A distinct key of letters."""
    letters = ""
    while number:
        number, rest = divmod(number, 26)
        letters = chr(65 + rest) + letters
    return f"B{letters}"[:5]


def make_tag(organization: Organization, name: str = "", **fields: Any) -> Tag:
    """A tag that no task carries."""
    number = next(_numbers)
    fields.setdefault("slug", f"tag-{number}")
    return Tag.objects.create(organization=organization, name=name or f"Tag {number}", **fields)


def make_field(board: Board, key: str = "", **fields: Any) -> CustomField:
    """A custom field bound to one board, and the board's copy of it."""
    key = key or f"field_{next(_numbers)}"
    fields.setdefault("label", key)
    field = CustomField.objects.create(
        organization_id=board.organization_id, field_key=key, **fields
    )
    field.boards.add(board)
    packed, digest = pack([spec_of(entry) for entry in board.field_bindings.order_by("label")])
    Board.objects.filter(pk=board.pk).update(custom_fields=packed, custom_fields_digest=digest)
    return field


def grant(board: Board, user: User, right: str = "read") -> BoardUserObjectPermission:
    """A person's direct right ``read`` or ``write`` on one board."""
    permission = Permission.objects.get(codename=f"{right}_board", content_type__app_label="boards")
    return BoardUserObjectPermission.objects.create(
        content_object=board, user=user, permission=permission
    )


def make_task(board: Board, title: str = "", **fields: Any) -> Task:
    """A task at the end of its column."""
    number = board.next_task_number
    board.next_task_number = number + 1
    board.save(update_fields=["next_task_number"])
    title = title or f"Task {number}"
    fields.setdefault("rank", f"c{number:03d}")
    fields.setdefault("fingerprint", hashlib.sha256(title.encode()).hexdigest())
    return Task.objects.create(
        organization_id=board.organization_id,
        board=board,
        number=number,
        key=f"{board.key}-{number}",
        title=title,
        **fields,
    )


def make_comment(task: Task, message: str = "A remark.", **fields: Any) -> TaskComment:
    """A comment of a person."""
    fields.setdefault("author_kind", "user")
    fields.setdefault("author_name", "Somebody")
    comment = TaskComment.objects.create(task=task, message=message, **fields)
    Task.objects.filter(pk=task.pk).update(comments_count=task.comments.count())
    return comment


def make_gateway(organization: Organization, name: str = "", **fields: Any) -> Gateway:
    """A gateway that nothing ever connects to."""
    fields.setdefault("url", "ws://127.0.0.1:9")
    return Gateway.objects.create(
        organization=organization, name=name or f"Gateway {next(_numbers)}", **fields
    )


def make_agent(
    organization: Organization, name: str = "", *, token: str = "", **fields: Any
) -> Agent:
    """An agent; with a board and no other word it is that board's online worker.

    Args:
        token: Text of its token; without one it cannot sign in.
    """
    fields.setdefault("agent_type", Agent.Type.WORKER)
    fields.setdefault("status", Agent.Status.ONLINE if fields.get("board") else Agent.Status.DRAFT)
    if token:
        fields["token_hash"] = token_hash(token)
    return Agent.objects.create(
        organization=organization, name=name or f"Agent {next(_numbers)}", **fields
    )


def make_approval(
    organization: Organization, board: Board | None = None, **fields: Any
) -> Approval:
    """A pending approval of an agent or a script."""
    fields.setdefault("action_type", "deploy")
    fields.setdefault("requested_by_kind", "user")
    fields.setdefault("requested_by_name", "Somebody")
    return Approval.objects.create(
        organization=organization, board_id=board.pk if board else None, **fields
    )
