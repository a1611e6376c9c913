"""The job that reads a skill pack: clone, find the skills, look at their files, record.

Under a lease (ruling 18): a worker that is killed leaves it to the next one.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from uuid import UUID

from missioncontrol.kernel import leases
from missioncontrol.kernel.errors import DomainError

from . import skill_rules, skill_scan, skill_source
from .models import SkillPack
from .services import skill_packs
from .services.skill_packs import ReadSkill
from .skill_source import Https, Transport, Tree

CONTENT_CHARS = 64 * 1024
_HTTPS: Transport = Https()


def run(pack_id: UUID, *, transport: Transport = _HTTPS) -> bool:
    """Read one pack that waits; ``False`` when there is nothing to do."""
    owner = leases.owner_name()
    if not leases.claim(SkillPack.objects.filter(sync_state__in=skill_packs.OPEN), pack_id, owner):
        return False
    try:
        with leases.renewing(SkillPack, pack_id, owner):
            if not skill_packs.record_started(pack_id):
                return False
            _read(SkillPack.objects.get(pk=pack_id), transport)
    finally:
        leases.release(SkillPack, pack_id, owner)
    return True


def _read(pack: SkillPack, transport: Transport) -> None:
    with tempfile.TemporaryDirectory(prefix="skill-pack-") as base:
        try:
            tree = skill_source.clone(
                pack.source_url, pack.branch, Path(base) / "clone", transport=transport
            )
            found = _skills(pack, tree)
            read = [_look(pack, tree, skill) for skill in found.skills]
        except DomainError as refusal:
            skill_packs.record_failed(
                pack.pk, reason=str(refusal.detail), code=refusal.machine_code
            )
            return
    skill_packs.record_read(
        pack.pk, read, branch=tree.branch, commit=tree.commit,
        warnings=[*tree.warnings, *found.warnings],
    )  # fmt: skip


def _skills(pack: SkillPack, tree: Tree) -> skill_rules.Findings:
    """Skills of the clone, by its index or its folders."""
    wanted = [
        path
        for path in tree.files
        if path == skill_rules.INDEX_FILE or path.rsplit("/", 1)[-1] == skill_rules.SKILL_FILE
    ]
    texts = {
        path: raw.decode(errors="replace")
        for path, raw in skill_source.read(tree, wanted).items()
        if raw is not None
    }
    return skill_rules.skills_in(tree.files, texts, url=pack.source_url, branch=tree.branch)


def _look(pack: SkillPack, tree: Tree, skill: skill_rules.FoundSkill) -> ReadSkill:
    """The text of a skill, where it comes from, and what was found in its files."""
    files = skill_source.read(tree, skill.files)
    own = f"{skill.path}/{skill_rules.SKILL_FILE}".lstrip("/")
    raw = files.get(own) or b""
    provenance = {
        "repository": pack.source_url, "branch": tree.branch, "commit": tree.commit,
        "path": skill.path, "sha256": hashlib.sha256(raw).hexdigest() if raw else "",
        "files": len(skill.files),
    }  # fmt: skip
    text = raw.decode(errors="replace").replace("\x00", "")
    return ReadSkill(skill, text[:CONTENT_CHARS], provenance, skill_scan.scan(files))
