"""Skill packs: repositories that are read on request, and what a reading brought (core 21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions, skill_rules, workspace
from agents.models import Skill, SkillPack
from missioncontrol.kernel import authz, clock, jobs
from missioncontrol.kernel.actors import Actor, SystemActor, UserActor
from missioncontrol.kernel.errors import BadRequest, Conflict
from missioncontrol.kernel.unit import service

from . import skills

State = SkillPack.State
OPEN = (State.WAITING, State.RUNNING)
MOST_ATTEMPTS = 3
MOST_WARNINGS = 100


@dataclass(frozen=True, slots=True)
class ReadSkill:
    """A skill as it was read and looked at."""

    found: skill_rules.FoundSkill
    content: str
    provenance: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]


def _url(raw: str) -> str:
    try:
        return skill_rules.pack_url(raw, settings.SKILL_PACK_HOSTS)
    except skill_rules.BadAddress as fault:
        raise BadRequest(_(str(fault)), code="unsafe_source_url") from fault


@service
def add_pack(
    actor: UserActor,
    *,
    source_url: str,
    name: str | None = None,
    description: str | None = None,
    branch: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> SkillPack:
    """Add a pack by its address, or change the one that has it.

    Raises:
        Forbidden: not an admin.
        BadRequest: ``unsafe_source_url``.
    """
    owner = skills.home(actor, actions.CHANGE_SKILLS)
    url = _url(source_url)
    facts: dict[str, Any] = {"name": workspace.line(name), "branch": branch, "metadata": metadata}
    given = {key: value for key, value in facts.items() if value}
    if "branch" in given:
        given["branch"] = skill_rules.branch_of(branch)
    if description is not None:
        given["description"] = workspace.clean(description)
    pack, is_new = SkillPack.objects.get_or_create(
        organization=owner,
        source_url=url,
        defaults={"name": skill_rules.name_of_url(url), **given},
    )
    if is_new:
        _note("skill_pack.created", actor, pack)
    elif given:
        _write(actor, pack, given)
    return pack


def _write(actor: Actor, pack: SkillPack, given: Mapping[str, Any]) -> None:
    changed = [key for key, value in given.items() if getattr(pack, key) != value]
    if not changed:
        return
    for key in changed:
        setattr(pack, key, given[key])
    pack.version += 1
    try:
        with transaction.atomic():
            pack.save(update_fields=[*changed, "version", "updated_at"])
    except IntegrityError as error:
        raise Conflict(_("There is a pack with this address already."), code="duplicate") from error
    _note("skill_pack.updated", actor, pack, changes=changed)


@service
def update_pack(actor: UserActor, pack_id: UUID, *, changes: Mapping[str, Any]) -> SkillPack:
    """Change a pack.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
        BadRequest: ``unsafe_source_url``.
        Conflict: ``duplicate``.
    """
    pack: SkillPack = SkillPack.objects.open_for(actor, pack_id)
    authz.authorize(actor, actions.CHANGE_SKILLS, pack)
    given = dict(changes)
    if "source_url" in given:
        given["source_url"] = _url(given["source_url"])
    if "branch" in given:
        given["branch"] = skill_rules.branch_of(given["branch"])
    if "name" in given:
        given["name"] = workspace.line(given["name"]) or pack.name
    _write(actor, pack, given)
    return pack


@service
def delete_pack(actor: UserActor, pack_id: UUID) -> None:
    """Forget a pack; its skills stay in the marketplace.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
    """
    pack: SkillPack = SkillPack.objects.open_for(actor, pack_id, for_delete=True)
    authz.authorize(actor, actions.CHANGE_SKILLS, pack)
    _note("skill_pack.deleted", actor, pack)
    pack.delete()


@service
def request_sync(actor: UserActor, pack_id: UUID) -> SkillPack:
    """Have a pack read again by a job; one that waits or runs is not asked for twice.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
    """
    pack: SkillPack = SkillPack.objects.open_for(actor, pack_id)
    authz.authorize(actor, actions.CHANGE_SKILLS, pack)
    if pack.sync_state in OPEN:
        return pack
    pack.sync_state, pack.sync_result = State.WAITING, {}
    pack.attempts, pack.next_attempt_at = 0, None
    pack.requested_by = {"kind": actor.kind, "id": str(actor.id), "name": actor.name}
    pack.save(
        update_fields=[
            "sync_state", "sync_result", "attempts", "next_attempt_at", "requested_by",
            "updated_at",
        ]
    )  # fmt: skip
    from agents import jobs as own

    jobs.enqueue(own.sync_skill_pack, pack.pk)
    return pack


@service
def record_started(pack_id: UUID) -> bool:
    """A worker reads the pack now; ``False`` when it was tried often enough."""
    pack = SkillPack.objects.filter(pk=pack_id, sync_state__in=OPEN).first()
    if pack is None:
        return False
    if pack.attempts > MOST_ATTEMPTS:
        record_failed(pack_id, reason="The worker that read it was ended several times.")
        return False
    SkillPack.objects.filter(pk=pack_id).update(sync_state=State.RUNNING, updated_at=clock.now())
    return True


@service
def record_failed(pack_id: UUID, *, reason: str, code: str = "clone_failed") -> None:
    """The pack could not be read; what is known of it stays."""
    pack = _locked(pack_id)
    if pack is None:
        return
    pack.sync_state = State.FAILED
    pack.sync_result = {"error": reason[:300], "code": code, "warnings": []}
    pack.save(update_fields=["sync_state", "sync_result", "updated_at"])
    who = SystemActor("skill packs", pack.organization_id)
    _note("skill_pack.sync_failed", who, pack, reason=reason[:200])


def _locked(pack_id: UUID) -> SkillPack | None:
    rows = SkillPack.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(pk=pack_id).first()


@service
def record_read(
    pack_id: UUID,
    read: Sequence[ReadSkill],
    *,
    branch: str,
    commit: str,
    warnings: Sequence[str],
) -> dict[str, Any] | None:
    """Write what a pack holds now; skills that are gone stay, and are named in a warning."""
    pack = _locked(pack_id)
    if pack is None:
        return None
    now = clock.now()
    present = {
        skill.source_url: skill
        for skill in Skill.objects.filter(organization_id=pack.organization_id).filter(
            source_url__in=[entry.found.source_url for entry in read]
        )
    }
    created = updated = 0
    for entry in read:
        values = {**_values(pack, entry), "scanned_at": now}
        skill = present.get(entry.found.source_url)
        if skill is None:
            Skill.objects.create(
                organization_id=pack.organization_id, source_url=entry.found.source_url, **values
            )
            created += 1
        elif any(getattr(skill, k) != v for k, v in values.items() if k != "scanned_at"):
            Skill.objects.filter(pk=skill.pk).update(**values, updated_at=now)
            updated += 1
    said = [*warnings, *_gone(pack, read)]
    pack.sync_result = {
        "synced": len(read), "created": created, "updated": updated, "branch": branch,
        "commit": commit, "warnings": said[:MOST_WARNINGS],
    }  # fmt: skip
    pack.sync_state, pack.synced_at = State.DONE, now
    pack.save(update_fields=["sync_result", "sync_state", "synced_at", "updated_at"])
    who = SystemActor("skill packs", pack.organization_id)
    facts = {key: pack.sync_result[key] for key in ("synced", "created", "updated", "commit")}
    _note("skill_pack.synced", who, pack, warnings=len(said), **facts)
    return dict(pack.sync_result)


def _values(pack: SkillPack, entry: ReadSkill) -> dict[str, Any]:
    return {
        "pack": pack,
        "name": entry.found.name,
        "description": entry.found.description,
        "category": entry.found.category,
        "risk": entry.found.risk,
        "source": pack.source_url,
        "content": entry.content,
        "provenance": dict(entry.provenance),
        "findings": [dict(finding) for finding in entry.findings],
        "scan_state": Skill.Scan.NONE,
        "scan_error": {},
    }


def _gone(pack: SkillPack, read: Sequence[ReadSkill]) -> list[str]:
    known = Skill.objects.filter(pack=pack).exclude(
        source_url__in=[entry.found.source_url for entry in read]
    )
    names = list(known.order_by("name").values_list("name", flat=True)[:20])
    return [f"{name} is no longer in the repository." for name in names]


@service
def add_default_packs(organization_id: UUID) -> int:
    """Give a new organization the packs that the installation names; they are not read yet."""
    added = 0
    for raw in settings.DEFAULT_SKILL_PACKS:
        url = skill_rules.pack_url(raw, settings.SKILL_PACK_HOSTS)
        _row, is_new = SkillPack.objects.get_or_create(
            organization_id=organization_id,
            source_url=url,
            defaults={"name": skill_rules.name_of_url(url)},
        )
        added += int(is_new)
    return added


def _note(name: str, actor: Actor, pack: SkillPack, **data: Any) -> None:
    publish(
        name,
        actor=actor,
        target=pack,
        organization_id=pack.organization_id,
        data={"source_url": pack.source_url, **data},
    )
