"""Gateways, agents, interviews and skills of the original product as rows of ours."""

from __future__ import annotations

from django.db.models import Model

from agents.models import Agent, ImportedToken, Onboarding, Skill, SkillInstall, SkillPack
from gateways.models import Gateway
from gateways.rules import hint_of
from missioncontrol.kernel import secrets
from missioncontrol.overview.moving_in.source import Row
from missioncontrol.overview.moving_in.state import Left, Moved

#: What an agent there was doing is over; here it is asked for a sign of life first.
KEPT_STATES = {"paused", "draft"}


def gateway(row: Row, moved: Moved) -> Model:
    """A gateway, to be checked; its token is sealed."""
    organization_id = moved.organization(row["organization_id"])
    moved.gateways[row["id"]] = organization_id
    token = row.get("token") or ""
    return Gateway(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        url=row["url"],
        token_sealed=secrets.seal(token) if token else "",
        token_hint=hint_of(token) if token else "",
        workspace_root=row.get("workspace_root") or "~/.openclaw",
        allow_insecure_tls=bool(row.get("allow_insecure_tls")),
        disable_device_pairing=bool(row.get("disable_device_pairing")),
    )


def agent(row: Row, moved: Moved) -> Model:
    """An agent; it stays offline until it calls, which it can do with the token that it has."""
    board_id, gateway_id = row.get("board_id"), row.get("gateway_id")
    if board_id is not None:
        organization_id = moved.board(board_id)[0]
    elif gateway_id is not None and gateway_id in moved.gateways:
        organization_id = moved.gateways[gateway_id]
    else:
        raise Left("neither its board nor its gateway is there")
    moved.agents[row["id"]] = (organization_id, row["name"])
    return Agent(
        id=row["id"],
        organization_id=organization_id,
        board_id=board_id,
        gateway_id=gateway_id if gateway_id in moved.gateways else None,
        agent_type=_type(row),
        name=row["name"],
        heartbeat_config=row.get("heartbeat_config") or {},
        identity_profile=row.get("identity_profile"),
        identity_template=row.get("identity_template"),
        soul_template=row.get("soul_template"),
        status=row["status"] if row.get("status") in KEPT_STATES else Agent.Status.OFFLINE,
        last_seen_at=row.get("last_seen_at"),
        lifecycle_generation=row.get("lifecycle_generation") or 0,
    )


def _type(row: Row) -> str:
    if row.get("is_board_lead"):
        return Agent.Type.LEAD
    return Agent.Type.WORKER if row.get("board_id") else Agent.Type.MAIN


def agent_token(row: Row, moved: Moved) -> list[Model]:
    """The slow hash of an agent's token, replaced by ours when the agent first calls."""
    stored = row.get("agent_token_hash") or ""
    if row["id"] not in moved.agents:
        raise Left("its agent is not there")
    if not stored.startswith("pbkdf2_sha256$"):
        raise Left("it has no token, or one in an unknown format")
    known = ImportedToken.objects.filter(agent_id=row["id"]).exists()
    has_token = Agent.objects.filter(pk=row["id"], token_hash__isnull=False).exists()
    return [] if known or has_token else [ImportedToken(agent_id=row["id"], stored=stored)]


def onboarding(row: Row, moved: Moved) -> Model:
    """An interview, as a record; one that was under way has to be started again."""
    organization_id = moved.board(row["board_id"])[0]
    status = str(row.get("status"))
    is_over = status in {Onboarding.Status.COMPLETED, Onboarding.Status.CONFIRMED}
    return Onboarding(
        id=row["id"],
        organization_id=organization_id,
        board_id=row["board_id"],
        session_key=row.get("session_key") or "",
        status=status if is_over else Onboarding.Status.CANCELLED,
        messages=row.get("messages") or [],
        draft_goal=row.get("draft_goal"),
    )


def pack(row: Row, moved: Moved) -> Model:
    """A skill pack."""
    organization_id = moved.organization(row["organization_id"])
    other = SkillPack.objects.filter(
        organization_id=organization_id, source_url=row["source_url"]
    ).exclude(pk=row["id"])
    if other.exists():
        raise Left("a pack of this address is here already")
    return SkillPack(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        description=row.get("description"),
        source_url=row["source_url"],
        branch=row.get("branch") or "main",
        metadata=row.get("metadata_") or row.get("metadata") or {},
    )


def skill(row: Row, moved: Moved) -> Model:
    """A skill of the marketplace; it is scanned when its pack is read again."""
    organization_id = moved.organization(row["organization_id"])
    other = Skill.objects.filter(organization_id=organization_id, source_url=row["source_url"])
    if other.exclude(pk=row["id"]).exists():
        raise Left("a skill of this address is here already")
    moved.skills[row["id"]] = organization_id
    return Skill(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        description=row.get("description"),
        **{name: row.get(name) or "" for name in ("category", "risk", "source")},
        source_url=row["source_url"],
        metadata=row.get("metadata_") or row.get("metadata") or {},
    )


def installed(row: Row, moved: Moved) -> Model:
    """A skill on a gateway."""
    key = row["skill_id"]
    organization_id = moved.skills.get(key)
    if organization_id is None or row["gateway_id"] not in moved.gateways:
        raise Left("its skill or its gateway is not there")
    return SkillInstall(
        id=row["id"],
        organization_id=organization_id,
        skill_id=key,
        gateway_id=row["gateway_id"],
        state=SkillInstall.State.INSTALLED,
        installed_at=row.get("created_at"),
    )
