"""The look at the files of a skill that was added by its address: asked for, and what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from activity.publish import publish
from agents import actions, skill_scan
from agents.models import Skill
from missioncontrol.kernel import authz, clock, jobs
from missioncontrol.kernel.actors import SystemActor, UserActor
from missioncontrol.kernel.unit import service

Scan = Skill.Scan
OPEN = (Scan.WAITING, Scan.RUNNING)
MOST_ATTEMPTS = 3
ERROR_CHARS = 300


def ask(skill: Skill) -> None:
    """Have its files looked at by a job, unless that waits already; part of a running service."""
    if skill.scan_state not in OPEN:
        skill.scan_state, skill.scan_error = Scan.WAITING, {}
        skill.attempts, skill.next_attempt_at = 0, None
        skill.save(
            update_fields=["scan_state", "scan_error", "attempts", "next_attempt_at", "updated_at"]
        )
    from agents import jobs as own

    jobs.enqueue(own.scan_skill, skill.pk)


@service
def request_look(actor: UserActor, skill_id: UUID) -> Skill:
    """Have the files of a skill looked at again.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
    """
    skill: Skill = Skill.objects.open_for(actor, skill_id)
    authz.authorize(actor, actions.CHANGE_SKILLS, skill)
    ask(skill)
    return skill


@service
def record_started(skill_id: UUID) -> bool:
    """A worker looks now; ``False`` when it was tried often enough."""
    skill = Skill.objects.filter(pk=skill_id, scan_state__in=OPEN).first()
    if skill is None:
        return False
    if skill.attempts > MOST_ATTEMPTS:
        record_failed(skill_id, code="worker_ended", text="")
        return False
    Skill.objects.filter(pk=skill_id).update(scan_state=Scan.RUNNING, updated_at=clock.now())
    return True


@service
def record_failed(skill_id: UUID, *, code: str, text: str) -> None:
    """Its files could not be read; what an earlier look found stays."""
    skill = _locked(skill_id)
    if skill is None:
        return
    skill.scan_state = Scan.FAILED
    skill.scan_error = {"code": code, "text": text[:ERROR_CHARS]}
    skill.save(update_fields=["scan_state", "scan_error", "updated_at"])
    _note("skill.scan_failed", skill, reason=text[:200] or code)


@service
def record_looked(
    skill_id: UUID,
    *,
    content: str,
    provenance: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
) -> None:
    """Keep what was read and found."""
    skill = _locked(skill_id)
    if skill is None:
        return
    skill.content, skill.provenance = content, dict(provenance)
    skill.findings = [dict(finding) for finding in findings]
    skill.scanned_at, skill.scan_state, skill.scan_error = clock.now(), Scan.NONE, {}
    skill.save(
        update_fields=[
            "content", "provenance", "findings", "scanned_at", "scan_state", "scan_error",
            "updated_at",
        ]
    )  # fmt: skip
    grave = skill_scan.has_high(skill.findings)
    _note("skill.scanned", skill, findings=len(skill.findings), grave=grave)


def _locked(skill_id: UUID) -> Skill | None:
    rows = Skill.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(pk=skill_id, scan_state__in=OPEN).first()


def _note(name: str, skill: Skill, **data: Any) -> None:
    publish(
        name,
        actor=SystemActor("look at skills", skill.organization_id),
        target=skill,
        organization_id=skill.organization_id,
        data={"source_url": skill.source_url, **data},
    )
