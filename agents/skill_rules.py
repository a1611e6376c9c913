"""Pure rules of skills: addresses, branches, what a tree of files holds as skills.

Source: core specification 21.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import orjson
from django.utils.translation import gettext_noop as _

DEFAULT_BRANCH = "main"
SKILL_FILE = "SKILL.md"
INDEX_FILE = "skills_index.json"
MOST_SKILLS = 2000
_BRANCH = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]*")
_OWNER_OR_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADING = re.compile(r"#{1,6}\s+(.+)")
_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:\s*(.*)")


class BadAddress(ValueError):
    """No address that skills may come from; the text says why."""


def pack_url(raw: str, hosts: Iterable[str]) -> str:
    """The address of a repository in its one form: ``https://host/owner/name``.

    Raises:
        BadAddress: not https, a host that is not allowed, or not owner and name.
    """
    parts = _https(raw.strip().rstrip("/").removesuffix(".git").rstrip("/"))
    if parts.hostname not in {host.lower() for host in hosts}:
        raise BadAddress(_("The host is not among those that skill packs may come from."))
    segments = [segment for segment in parts.path.split("/") if segment]
    good = len(segments) == 2 and all(
        _OWNER_OR_NAME.fullmatch(segment) and segment not in (".", "..") for segment in segments
    )
    if not good or parts.query or parts.fragment:
        raise BadAddress(_("Write the address as https://host/owner/name."))
    return f"https://{parts.hostname}/{'/'.join(segments)}"


def skill_url(raw: str) -> str:
    """The address of a single skill.

    Raises:
        BadAddress: not https, or no path.
    """
    plain = raw.strip().rstrip("/")
    parts = _https(plain)
    if not parts.path.strip("/"):
        raise BadAddress(_("The address needs a path that names the skill."))
    return plain


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a repository that an address names; without a branch the default one."""

    repository: str
    branch: str
    folder: str


def place_of(url: str, hosts: Iterable[str]) -> Place | None:
    """The repository and folder behind the address of a skill; ``None`` for any other address."""
    parts = urlsplit(url)
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    if parts.hostname not in {host.lower() for host in hosts} or len(segments) < 2:
        return None
    try:
        repository = pack_url(f"https://{parts.hostname}/{segments[0]}/{segments[1]}", hosts)
    except BadAddress:
        return None
    kind, rest = (segments[2] if len(segments) > 2 else ""), segments[3:]
    if kind not in ("", "tree", "blob") or (kind and not rest) or ".." in segments:
        return None
    branch = branch_of(rest[0]) if rest else DEFAULT_BRANCH
    path = rest[1:-1] if kind == "blob" else rest[1:]
    return Place(repository, branch, "/".join(path))


def _https(raw: str) -> Any:
    if _CONTROL.search(raw) or " " in raw or "\\" in raw:
        raise BadAddress(_("The address holds characters that no address has."))
    parts = urlsplit(raw)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "https" or not parts.hostname:
        raise BadAddress(_("The address begins with https:// and a host."))
    if parts.username or parts.password or port not in (None, 443):
        raise BadAddress(_("The address names no user and no port."))
    return parts


def branch_of(raw: str | None) -> str:
    """The branch to read; what is no name of a branch becomes ``main``."""
    wanted = (raw or "").strip()
    odd = ".." in wanted or wanted.endswith(("/", ".lock")) or len(wanted) > 200
    return wanted if _BRANCH.fullmatch(wanted) and not odd else DEFAULT_BRANCH


def name_of_url(url: str) -> str:
    """A readable name from the last part of an address."""
    last = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1].removesuffix(".md")
    return last.replace("-", " ").replace("_", " ").strip()[:200] or "skill"


@dataclass(frozen=True, slots=True)
class FoundSkill:
    """A skill in a repository: its folder, and how it presents itself."""

    path: str
    source_url: str
    name: str
    description: str = ""
    category: str = ""
    risk: str = ""
    files: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """Skills of a repository, and what was odd about it."""

    skills: list[FoundSkill] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def is_hidden(path: str) -> bool:
    """Whether a part of the path begins with a dot."""
    return any(part.startswith(".") for part in path.split("/"))


def skills_in(paths: Iterable[str], texts: Mapping[str, str], *, url: str, branch: str) -> Findings:
    """The skills of a repository, by its index if that is valid, else by every ``SKILL.md``.

    Args:
        paths: Regular files of the repository.
        texts: Text of the index and of every ``SKILL.md``, by path.
        url: Normal address of the repository.
        branch: Branch that was read.
    """
    known = sorted(path for path in paths if not is_hidden(path))
    found = Findings()
    if INDEX_FILE in texts:
        entries = _index(texts[INDEX_FILE], found.warnings)
        if entries is not None:
            found.skills = _of_index(entries, known, url, branch, found.warnings)
            return found
    for path in known:
        if posixpath.basename(path) == SKILL_FILE and path in texts:
            found.skills.append(_of_file(path, texts[path], known, url, branch))
    if len(found.skills) > MOST_SKILLS:
        found.warnings.append(f"Only the first {MOST_SKILLS} skills were taken.")
        del found.skills[MOST_SKILLS:]
    if not found.skills:
        found.warnings.append("No SKILL.md was found.")
    return found


def _index(text: str, warnings: list[str]) -> list[Any] | None:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        warnings.append(f"{INDEX_FILE} is not valid JSON; the folders were searched instead.")
        return None
    entries = data.get("skills") if isinstance(data, dict) else data
    if not isinstance(entries, list) or not entries:
        warnings.append(f"{INDEX_FILE} lists no skills; the folders were searched instead.")
        return None
    return entries[:MOST_SKILLS]


def _of_index(
    entries: list[Any], known: list[str], url: str, branch: str, warnings: list[str]
) -> list[FoundSkill]:
    skills: dict[str, FoundSkill] = {}
    for number, entry in enumerate(entries, 1):
        skill = _of_entry(entry, known, url, branch) if isinstance(entry, dict) else None
        if skill is None:
            warnings.append(f"{INDEX_FILE}: entry {number} names no skill of this repository.")
        elif skill.source_url in skills:
            warnings.append(f"{INDEX_FILE}: entry {number} repeats {skill.name}.")
        else:
            skills[skill.source_url] = skill
    return list(skills.values())


def _of_entry(entry: dict[str, Any], known: list[str], url: str, branch: str) -> FoundSkill | None:
    folder = str(entry.get("path") or "").strip().strip("/").removesuffix(f"/{SKILL_FILE}")
    if folder and (".." in folder.split("/") or is_hidden(folder)):
        return None
    files = _files_under(folder, known) if folder else ()
    if folder and not files:
        return None
    given = str(entry.get("source_url") or "").strip()
    if folder:
        address = tree_url(url, branch, folder)
    else:
        try:
            address = skill_url(given)
        except BadAddress:
            return None
    return FoundSkill(
        path=folder,
        source_url=address,
        name=_line(entry.get("name")) or name_of_url(address),
        description=_line(entry.get("description"), 2000),
        category=_line(entry.get("category")),
        risk=_line(entry.get("risk"), 40),
        files=files,
    )


def _of_file(path: str, text: str, known: list[str], url: str, branch: str) -> FoundSkill:
    folder = posixpath.dirname(path)
    facts, body = front_matter(text)
    name = facts.get("name") or first_heading(body) or posixpath.basename(folder)
    return FoundSkill(
        path=folder,
        source_url=tree_url(url, branch, folder),
        name=_line(name) or name_of_url(url),
        description=_line(facts.get("description") or first_line(body), 2000),
        category=_line(facts.get("category") or posixpath.dirname(folder).rsplit("/", 1)[-1]),
        risk=_line(facts.get("risk"), 40),
        files=_files_under(folder, known),
    )


def _files_under(folder: str, known: list[str]) -> tuple[str, ...]:
    """Files of a skill: everything in its folder; of a skill at the root only its own file."""
    if not folder:
        return (SKILL_FILE,)
    return tuple(path for path in known if path.startswith(f"{folder}/"))


def tree_url(url: str, branch: str, folder: str) -> str:
    """Where a person can look at a folder of the repository."""
    return f"{url}/tree/{quote(branch)}/{quote(folder)}".rstrip("/")


def _line(value: Any, most: int = 200) -> str:
    return " ".join(_CONTROL.sub(" ", str(value or "")).split())[:most]


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """Plain keys of the block between two lines of three dashes, and the text after it."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or lines[0].strip() != "---":
        return {}, text
    facts: dict[str, str] = {}
    key = ""
    for number, line in enumerate(lines[1:60], 1):
        if line.strip() == "---":
            return facts, "\n".join(lines[number + 1 :])
        match = _KEY.fullmatch(line)
        if match:
            key, value = match.group(1).lower(), match.group(2).strip()
            facts[key] = "" if value in ("|", ">", "|-", ">-") else value.strip("\"'")
        elif key and line[:1] in (" ", "\t"):
            facts[key] = f"{facts[key]} {line.strip()}".strip()
    return {}, text


def first_heading(body: str) -> str:
    """Text of the first heading."""
    for line in body.splitlines():
        match = _HEADING.fullmatch(line.strip())
        if match:
            return match.group(1).strip(" #")
    return ""


def first_line(body: str) -> str:
    """The first line of text that is no heading."""
    for line in body.splitlines():
        plain = line.strip()
        if plain and not plain.startswith(("#", "---", "```", "<!--")):
            return plain
    return ""
