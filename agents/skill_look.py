"""The job that looks at a skill that was added by its address: read its files, scan, record.

An address of a repository is read with git like a pack, its folder alone; any other address is
fetched as one file. Under a lease (ruling 18): a worker that is killed leaves it to the next one.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel import leases, outbound
from missioncontrol.kernel.errors import DomainError, RemoteFailed

from . import skill_rules, skill_scan, skill_source
from .models import Skill
from .services import skill_looks
from .skill_rules import SKILL_FILE, Place
from .skill_source import Https, Transport
from .skill_sync import CONTENT_CHARS

FETCH_SECONDS = 20.0
_HTTPS: Transport = Https()


class Read(NamedTuple):
    """Files of a skill by path, which of them is its own text, and where they come from."""

    files: Mapping[str, bytes | None]
    own: str
    provenance: Mapping[str, Any]


def fetch(url: str) -> bytes:
    """One file of at most 256 KiB; redirects are not followed.

    Raises:
        RemoteFailed: ``fetch_failed``: no answer, an error, too large.
        Invalid: ``outbound_blocked``.
    """
    try:
        with (
            outbound.client("other", timeout_seconds=FETCH_SECONDS) as http,
            http.stream("GET", url, headers={"Accept": "text/markdown, text/plain"}) as answer,
        ):
            if answer.status_code != 200:
                raise RemoteFailed(
                    _("The remote answered %(s)s.") % {"s": answer.status_code}, code="fetch_failed"
                )
            raw = bytearray()
            for chunk in answer.iter_bytes():
                raw += chunk
                if len(raw) > skill_source.MAX_FILE_BYTES:
                    raise RemoteFailed(_("The answer is too large."), code="fetch_failed")
    except httpx.HTTPError as error:
        raise RemoteFailed(_("The remote did not answer properly."), code="fetch_failed") from error
    return bytes(raw)


def run(
    skill_id: UUID,
    *,
    transport: Transport = _HTTPS,
    get: Callable[[str], bytes] = fetch,
) -> bool:
    """Look at one skill that waits; ``False`` when there is nothing to do."""
    owner = leases.owner_name()
    waiting = Skill.objects.filter(scan_state__in=skill_looks.OPEN)
    if not leases.claim(waiting, skill_id, owner):
        return False
    try:
        with leases.renewing(Skill, skill_id, owner):
            if not skill_looks.record_started(skill_id):
                return False
            _look(Skill.objects.get(pk=skill_id), transport, get)
    finally:
        leases.release(Skill, skill_id, owner)
    return True


def _look(skill: Skill, transport: Transport, get: Callable[[str], bytes]) -> None:
    place = skill_rules.place_of(skill.source_url, settings.SKILL_PACK_HOSTS)
    try:
        read = _of_repository(place, transport) if place else _of_file(skill.source_url, get)
    except DomainError as refusal:
        skill_looks.record_failed(skill.pk, code=refusal.machine_code, text=str(refusal.detail))
        return
    raw = read.files.get(read.own) or b""
    text = raw.decode(errors="replace").replace("\x00", "")
    skill_looks.record_looked(
        skill.pk,
        content=text[:CONTENT_CHARS],
        provenance={
            **read.provenance,
            "sha256": hashlib.sha256(raw).hexdigest() if raw else "",
            "files": len(read.files),
        },
        findings=skill_scan.scan(read.files),
    )


def _of_repository(place: Place, transport: Transport) -> Read:
    with tempfile.TemporaryDirectory(prefix="skill-") as base:
        tree = skill_source.clone(
            place.repository, place.branch, Path(base) / "clone", transport=transport
        )
        under = f"{place.folder}/" if place.folder else ""
        paths = [path for path in tree.files if path.startswith(under)] if under else [SKILL_FILE]
        files = skill_source.read(tree, paths)
    if not files:
        raise RemoteFailed(_("The repository holds no such skill."), code="skill_missing")
    return Read(
        files,
        f"{under}{SKILL_FILE}",
        {
            "repository": place.repository, "branch": tree.branch, "commit": tree.commit,
            "path": place.folder,
        },
    )  # fmt: skip


def _of_file(url: str, get: Callable[[str], bytes]) -> Read:
    return Read({SKILL_FILE: get(url)}, SKILL_FILE, {"address": url})
