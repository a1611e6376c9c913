"""Writing an organization to a folder, and reading it from one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import yaml
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.db.models import Max

from activity import subscribe
from activity.models import ActivityEvent, AuditEntry, AuditHead, EventStream, ListenerCursor
from boards.models import BoardUserObjectPermission
from missioncontrol.kernel.errors import Conflict, Invalid
from missioncontrol.overview.moving_out import rows
from missioncontrol.overview.moving_out.plan import FORMAT, GRANTS, MANIFEST, PARTS
from orgs.models import Organization, User


def write(organization: Organization, folder: Path) -> dict[str, int]:
    """Write everything of an organization; returns rows by file.

    Raises:
        Conflict: the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Conflict("The folder is not empty.", code="folder_not_empty")
    for name in ("tables", "record"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for part in PARTS:
            found = rows.plain_rows(part, organization.pk)
            counts[part.file] = _write_file(folder / part.file, found)
        counts[GRANTS] = _write_file(folder / GRANTS, _grants(organization.pk))
    manifest = {
        "format": FORMAT,
        "organization": {"id": str(organization.pk), "name": organization.name},
        "files": {
            name: {"rows": count, "sha256": _digest(folder / name)}
            for name, count in sorted(counts.items())
        },
    }
    (folder / MANIFEST).write_text(_yaml(manifest))
    return counts


def _grants(organization_id: UUID) -> Iterator[dict[str, Any]]:
    grants = BoardUserObjectPermission.objects.filter(
        content_object__organization_id=organization_id
    ).order_by("content_object_id", "user_id", "permission__codename")
    for board_id, user_id, right in grants.values_list(
        "content_object_id", "user_id", "permission__codename"
    ):
        yield {"board_id": str(board_id), "user_id": str(user_id), "right": right}


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
    return text


def _write_file(path: Path, found: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        for count, row in enumerate(found, 1):  # noqa: B007 - the number is the answer
            if path.suffix == ".jsonl":
                file.write(
                    orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
                )
            else:
                file.write(_yaml([row]).encode())
    return count


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@transaction.atomic
def read(folder: Path) -> Organization:
    """Bring an organization in; all of it, or nothing.

    Raises:
        Invalid: no export, or one that was changed or damaged.
        Conflict: the organization, or a name or id of it, is here already.
    """
    manifest = _manifest(folder)
    key = UUID(manifest["organization"]["id"])
    if Organization.objects.filter(pk=key).exists():
        raise Conflict("This organization is here already.", code="organization_exists")
    if Organization.objects.filter(name__iexact=manifest["organization"]["name"]).exists():
        raise Conflict("Another organization has this name.", code="name_taken")
    same = _same_people(folder)
    for part in PARTS:
        for values in _read_file(folder / part.file, {} if part.is_sealed else same):
            if part.model == "orgs.User" and User.objects.filter(pk=values["id"]).exists():
                continue
            rows.restore(part, values)
    permissions = dict(
        Permission.objects.filter(content_type__app_label="boards").values_list("codename", "pk")
    )
    BoardUserObjectPermission.objects.bulk_create(
        BoardUserObjectPermission(
            content_object_id=grant["board_id"],
            user_id=grant["user_id"],
            permission_id=permissions[grant["right"]],
        )
        for grant in _read_file(folder / GRANTS, same)
    )
    _count_on(key)
    return Organization.objects.get(pk=key)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = yaml.safe_load((folder / MANIFEST).read_text())
        known = manifest["format"] == FORMAT
        files = manifest["files"]
        missing = {part.file for part in PARTS} - set(files)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Invalid("This folder holds no export.") from error
    if not known or missing:
        raise Invalid("This export was written by another version.")
    for name, facts in files.items():
        path = folder / name
        inside = path.resolve().is_relative_to(folder.resolve())
        if not inside or not path.is_file() or _digest(path) != facts["sha256"]:
            raise Invalid(f"{name} was changed or damaged after the export.")
    return dict(manifest)


def _read_file(path: Path, same: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Rows of a file, with the ids of people whom this installation knows under another."""
    text = path.read_text()
    for theirs, ours in same.items():
        text = text.replace(theirs, ours)
    if path.suffix == ".jsonl":
        yield from (orjson.loads(line) for line in text.splitlines() if line)
    else:
        yield from yaml.load(text, Loader=yaml.CSafeLoader) or []


def _same_people(folder: Path) -> dict[str, str]:
    """Their id to ours, for people with the same username, Clerk id or verified address."""
    people = next(part for part in PARTS if part.model == "orgs.User")
    found: dict[str, str] = {}
    for values in _read_file(folder / people.file, {}):
        known = User.objects.filter(username=values["username"]).first()
        if known is None and values.get("clerk_user_id"):
            known = User.objects.filter(clerk_user_id=values["clerk_user_id"]).first()
        if known is not None and str(known.pk) != values["id"]:
            found[values["id"]] = str(known.pk)
    return found


def _count_on(organization_id: UUID) -> None:
    """Streams and chain go on where they ended; listeners are not told of the past."""
    events = ActivityEvent.objects.filter(organization_id=organization_id)
    last = events.order_by("-seq").values_list("seq", flat=True).first() or 0
    EventStream.objects.create(id=organization_id, kind="org", last_seq=last)
    boards = events.filter(board_id__isnull=False).values("board_id")
    EventStream.objects.bulk_create(
        EventStream(id=head["board_id"], kind="board", last_seq=head["last"])
        for head in boards.annotate(last=Max("board_seq")).order_by("board_id")
    )
    end = AuditEntry.objects.filter(organization_id=organization_id).order_by("-number").first()
    if end is not None:
        AuditHead.objects.create(
            organization_id=organization_id, last_number=end.number, last_hash=end.hash
        )
    ListenerCursor.objects.bulk_create(
        ListenerCursor(listener=name, organization_id=organization_id, seq=last)
        for name in subscribe.listener_names()
    )
