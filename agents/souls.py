"""The souls directory: bundled roles, and those of a configured source with a cached list.

The list of the source is read from its site map and kept for an hour; when it cannot be read
again, the old one is served. Source: core specification 22.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel import clock, outbound
from missioncontrol.kernel.errors import DomainError, Invalid, NotFound, RemoteFailed

from . import rules
from .models import Agent, SoulIndex, SoulText
from .souls_seed import SOULS

HANDLE = "mission-control"
KEEP_LIST = timedelta(hours=1)
TRY_AGAIN = timedelta(minutes=1)
MOST_CHARS = 18_000
MOST_LIST_BYTES = 5 * 1024 * 1024
MOST_TEXT_BYTES = 256 * 1024
MOST_ENTRIES = 20_000
FETCH_SECONDS = 15.0
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LOC = re.compile(r"<loc>\s*([^<\s]{1,500})\s*</loc>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\x85]")
_WORD = re.compile(r"[a-z0-9]+")
_BUNDLED = {soul.slug: soul for soul in SOULS}


class Entry(NamedTuple):
    """One role of the directory."""

    handle: str
    slug: str
    page_url: str
    raw_md_url: str

    @property
    def key(self) -> str:
        """``handle/slug``."""
        return f"{self.handle}/{self.slug}"

    @property
    def title(self) -> str:
        """The role as people say it."""
        return title_of(self.slug)


def title_of(slug: str) -> str:
    """``site-reliability-engineer`` as words."""
    words = slug.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:] or slug


def bundled() -> list[Entry]:
    """The roles that every installation has."""
    base = settings.BASE_URL.rstrip("/")
    return [
        Entry(
            HANDLE,
            soul.slug,
            f"{base}/souls/{HANDLE}/{soul.slug}",
            f"{base}/api/v1/souls-directory/{HANDLE}/{soul.slug}.md",
        )
        for soul in SOULS
    ]


def known() -> list[Entry]:
    """Bundled roles and the list of the source as last read; asks nobody."""
    url = settings.SOULS_DIRECTORY_URL
    row = SoulIndex.objects.filter(source_url=url).first() if url else None
    return [*bundled(), *_entries(row)]


def _entries(row: SoulIndex | None) -> list[Entry]:
    return [Entry(**entry) for entry in row.entries] if row else []


def listed() -> list[Entry]:
    """The same after a look at the source when its list is older than an hour.

    Raises:
        RemoteFailed: the source cannot be read and never was.
    """
    url = settings.SOULS_DIRECTORY_URL
    if not url:
        return bundled()
    row = SoulIndex.objects.filter(source_url=url).first()
    now = clock.now()
    is_fresh = row is not None and row.fetched_at is not None and now - row.fetched_at < KEEP_LIST
    was_tried = row is not None and row.tried_at is not None and now - row.tried_at < TRY_AGAIN
    if not is_fresh and not was_tried:
        row = _refresh(url, row)
    if row is None or row.fetched_at is None:
        raise RemoteFailed(_("The souls directory cannot be read."), code="souls_unavailable")
    return [*bundled(), *_entries(row)]


def _refresh(url: str, row: SoulIndex | None) -> SoulIndex | None:
    now = clock.now()
    values: dict[str, Any] = {"tried_at": now}
    try:
        found = _of_site_map(url, _get(f"{url}/sitemap.xml", MOST_LIST_BYTES))
        values |= {"entries": [entry._asdict() for entry in found], "fetched_at": now, "error": ""}
    except DomainError as refusal:
        values["error"] = str(refusal.detail)[:300]
    fresh, _made = SoulIndex.objects.update_or_create(source_url=url, defaults=values)
    return fresh if fresh.fetched_at else row


def _of_site_map(url: str, text: str) -> list[Entry]:
    """Entries whose address is ``<url>/souls/<handle>/<slug>``."""
    host = urlsplit(url).hostname
    found: dict[str, Entry] = {}
    for address in _LOC.findall(text):
        parts = urlsplit(address)
        segments = parts.path.strip("/").split("/")
        if parts.hostname != host or len(segments) != 3 or segments[0] != "souls":
            continue
        handle, slug = segments[1:]
        if not (_SEGMENT.fullmatch(handle) and _SEGMENT.fullmatch(slug)) or handle == HANDLE:
            continue
        entry = Entry(
            handle, slug, f"{url}/souls/{handle}/{slug}", f"{url}/api/souls/{handle}/{slug}.md"
        )
        found[entry.key] = entry
        if len(found) >= MOST_ENTRIES:
            break
    return list(found.values())


def _get(url: str, most: int) -> str:
    """Text of an address, at most ``most`` bytes.

    Raises:
        RemoteFailed: no answer, an error, or too much.
    """
    try:
        with (
            outbound.client("other", timeout_seconds=FETCH_SECONDS) as http,
            http.stream("GET", url, headers={"Accept": "text/markdown, application/xml"}) as answer,
        ):
            if answer.status_code == 404:
                raise NotFound
            if answer.status_code != 200:
                raise RemoteFailed(_("The remote answered %(s)s.") % {"s": answer.status_code})
            raw = bytearray()
            for chunk in answer.iter_bytes():
                raw += chunk
                if len(raw) > most:
                    raise RemoteFailed(_("The answer is too large."))
    except httpx.HTTPError as error:
        raise RemoteFailed(_("The souls directory did not answer.")) from error
    return raw.decode(errors="replace")


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).replace("\r\n", "\n")


def search(query: str, *, limit: int = 20) -> list[Entry]:
    """Entries whose ``handle/slug`` holds the words, in the order of the directory.

    Raises:
        RemoteFailed: as :func:`listed`.
    """
    wanted = query.strip().lower()
    return [entry for entry in listed() if wanted in entry.key.lower()][:limit]


def checked(segment: str) -> str:
    """A handle or slug.

    Raises:
        Invalid: other characters.
    """
    if len(segment) > 200 or not _SEGMENT.fullmatch(segment):
        raise Invalid(_("A handle holds letters, digits, - and _."), code="bad_segment")
    return segment


def text_of(handle: str, slug: str) -> str:
    """The text of an entry; one of the source is kept and served when it cannot be read again.

    Raises:
        Invalid: ``bad_segment``.
        NotFound: no such entry.
        RemoteFailed: the source cannot be read.
    """
    checked(handle)
    checked(slug)
    if handle == HANDLE:
        if slug not in _BUNDLED:
            raise NotFound
        return _BUNDLED[slug].text
    url = settings.SOULS_DIRECTORY_URL
    if not url:
        raise NotFound
    stored = SoulText.objects.filter(source_url=url, handle=handle, slug=slug).first()
    if stored is not None and clock.now() - stored.fetched_at < KEEP_LIST:
        return stored.content
    try:
        text = _clean(_get(f"{url}/api/souls/{handle}/{slug}.md", MOST_TEXT_BYTES))
    except RemoteFailed:
        if stored is None:
            raise
        return stored.content
    SoulText.objects.update_or_create(
        source_url=url, handle=handle, slug=slug,
        defaults={"content": text, "fetched_at": clock.now()},
    )  # fmt: skip
    return text


# --- the soul of a role ---------------------------------------------------------------------------


def match(role: str, entries: Sequence[Entry]) -> Entry | None:
    """The entry that fits a role best.

    Exact slug, then the shortest that begins with the role, then the shortest that holds it, then
    the one that shares most words with it, two at least.
    """
    words = _WORD.findall(role.lower())
    slug = "-".join(words)
    if not slug:
        return None
    exact = next((entry for entry in entries if entry.slug.lower() == slug), None)
    return (
        exact
        or _shortest(entry for entry in entries if entry.slug.lower().startswith(f"{slug}-"))
        or _shortest(entry for entry in entries if slug in entry.slug.lower())
        or _most_words(set(words), entries)
    )


def _shortest(entries: Iterable[Entry]) -> Entry | None:
    return min(entries, key=lambda entry: (len(entry.slug), entry.key), default=None)


def _most_words(words: set[str], entries: Sequence[Entry]) -> Entry | None:
    hits = [(len(words & set(_WORD.findall(entry.slug.lower()))), entry) for entry in entries]
    good = [(count, entry) for count, entry in hits if count >= 2]
    best = min(good, key=lambda pair: (-pair[0], len(pair[1].slug), pair[1].key), default=None)
    return best[1] if best else None


def _entry_for(agent: Agent) -> Entry | None:
    """The entry for a worker without a text of its own."""
    if agent.agent_type != Agent.Type.WORKER or agent.soul_template:
        return None
    return match(rules.identity_of(agent.agent_type, agent.identity_profile)["role"], known())


def prepare(agent: Agent) -> None:
    """Fetch what the agent's files will need; a failure leaves them with the default text."""
    if not settings.SOULS_DIRECTORY_URL or agent.agent_type != Agent.Type.WORKER:
        return
    try:
        listed()
        entry = _entry_for(agent)
        if entry is not None:
            text_of(entry.handle, entry.slug)
    except DomainError:
        return


def variables(agent: Agent) -> dict[str, str]:
    """Text and address of the matched role for the templates, empty without a match."""
    entry = _entry_for(agent)
    text = ""
    if entry is not None and entry.handle == HANDLE:
        text = _BUNDLED[entry.slug].text
    elif entry is not None:
        stored = SoulText.objects.filter(
            source_url=settings.SOULS_DIRECTORY_URL, handle=entry.handle, slug=entry.slug
        ).first()
        text = stored.content if stored else ""
    return {
        "directory_role_soul_markdown": text[:MOST_CHARS],
        "directory_role_soul_source_url": entry.page_url if entry and text else "",
    }
