"""The marketplace of skills and the packs that feed it, for admins (core specification 21)."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from agents import actions
from agents.api import schemas, waiting
from agents.api import skill_schemas as shapes_in
from agents.api.agent import AgentDoor
from agents.models import Skill, SkillInstall, SkillPack
from agents.services import skill_looks, skill_packs, skills
from boards.api.views.agent import MAIN, for_agents
from missioncontrol.kernel import authz
from missioncontrol.kernel.api import ApiView, Pages, array_of, done, ok, operation, uuid_query
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.errors import Invalid, RemoteFailed

TAGS = ("skills",)
ACCEPTED = 202


def _installs(rows: list[Skill], gateway_id: UUID | None) -> dict[UUID, SkillInstall]:
    found = SkillInstall.objects.filter(skill__in=rows)
    return {row.skill_id: row for row in found if row.gateway_id == gateway_id}


def card(row: Skill, install: SkillInstall | None) -> dict[str, Any]:
    """A skill as the marketplace of a gateway shows it."""
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "name": row.name,
        "description": row.description,
        "category": row.category or None,
        "risk": row.risk or None,
        "source": row.source or None,
        "source_url": row.source_url,
        "pack_id": row.pack_id,
        "metadata": row.metadata,
        "findings_count": len(row.findings),
        "scanned_at": iso(row.scanned_at),
        "scan_state": row.look,
        "scan_error": row.scan_error.get("code"),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "installed": install is not None and install.state in skills.PRESENT,
        "installed_at": iso(install.installed_at) if install else None,
        "install_state": install.state if install else None,
        "install_detail": (install.detail or None) if install else None,
    }


class MarketplaceView(ApiView):
    """Skills that can be installed on a gateway."""

    @operation(
        tags=TAGS, summary="Skills of the marketplace", response=array_of(shapes_in.SkillCard)
    )
    def get(self, request: Request) -> Response:
        """A bare list, newest first; counts in headers when ``limit`` is given."""
        asked = self.query(shapes_in.MarketplaceQuery)
        rows = skills.marketplace(
            self.user, asked.gateway_id, search=asked.search, category=asked.category,
            risk=asked.risk, pack_id=asked.pack_id,
        )  # fmt: skip
        headers: dict[str, str] = {}
        found = rows
        if asked.limit is not None or asked.offset:
            pages = Pages(request.GET)
            headers = {
                "X-Total-Count": str(rows.count()),
                "X-Limit": str(pages.limit),
                "X-Offset": str(pages.offset),
            }
            found = rows[pages.window]
        shown = list(found)
        installs = _installs(shown, asked.gateway_id)
        return ok([card(row, installs.get(row.id)) for row in shown], headers=headers)

    @operation(
        tags=TAGS, summary="Add a skill", request=shapes_in.SkillCreate,
        response=shapes_in.SkillCard, refusals=(400,),
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """By its address; a known one is changed."""
        body = self.read(shapes_in.SkillCreate)
        skill = skills.add_skill(
            self.user, source_url=body.source_url, name=body.name, description=body.description
        )
        return ok(card(skill, None), location=f"/api/v1/skills/marketplace/{skill.id}")


class SkillView(ApiView):
    """One skill."""

    @operation(tags=TAGS, summary="A skill with its findings", response=shapes_in.SkillOut)
    def get(self, request: Request, skill_id: UUID) -> Response:
        """Text, origin and findings: what to read before it is installed."""
        skill: Skill = Skill.objects.seen_by(self.actor, skill_id)
        authz.authorize(self.actor, actions.VIEW_SKILLS, skill)
        gateway_id = uuid_query(request.GET, "gateway_id")
        install = _installs([skill], gateway_id).get(skill.id) if gateway_id else None
        return ok(
            {
                **card(skill, install),
                "content": skill.content,
                "provenance": skill.provenance,
                "findings": skill.findings,
            }
        )

    @operation(tags=TAGS, summary="Delete a skill", response=schemas.Done)
    def delete(self, request: Request, skill_id: UUID) -> Response:
        """With the record of its installs."""
        skills.delete_skill(self.user, skill_id)
        return done()


class ScanView(ApiView):
    """Look at the files of a skill again."""

    @operation(
        tags=TAGS, summary="Look at a skill's files", response={ACCEPTED: shapes_in.SkillCard}
    )
    def post(self, request: Request, skill_id: UUID) -> Response:
        """By a job; ``scan_state`` tells when it is done."""
        skill = skill_looks.request_look(self.user, skill_id)
        return ok(card(skill, None), status=ACCEPTED)


class InstallView(ApiView):
    """Install a skill on a gateway."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS, summary="Install a skill", request=shapes_in.InstallIn,
        response=shapes_in.InstallOut,
    )  # fmt: skip
    def post(self, request: Request, skill_id: UUID) -> Response:
        """Asked of the gateway's own agent; ``requested`` until it confirms."""
        body = self.read(shapes_in.InstallIn)
        gateway_id = _gateway_id(request, body)
        accepts = waiting.flag(request.GET, "accept_findings", default=body.accept_findings)
        row = skills.install_skill(self.user, skill_id, gateway_id, accepts_findings=accepts)
        return _asked(skill_id, gateway_id, row)


def _gateway_id(request: Request, body: shapes_in.InstallIn) -> UUID:
    found = uuid_query(request.GET, "gateway_id") or body.gateway_id
    if found is None:
        raise Invalid(_("Name the gateway."), field="gateway_id")
    return found


def _asked(skill_id: UUID, gateway_id: UUID, row: SkillInstall | None) -> Response:
    return ok(
        {
            "ok": True,
            "skill_id": skill_id,
            "gateway_id": gateway_id,
            "installed": row is not None and row.state in skills.PRESENT,
            "state": row.state if row else None,
        }
    )


class UninstallView(ApiView):
    """Remove a skill from a gateway."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS, summary="Uninstall a skill", request=shapes_in.InstallIn,
        response=shapes_in.InstallOut,
    )  # fmt: skip
    def post(self, request: Request, skill_id: UUID) -> Response:
        """Asked of the gateway's own agent; gone when it confirms."""
        gateway_id = _gateway_id(request, self.read(shapes_in.InstallIn))
        row = skills.uninstall_skill(self.user, skill_id, gateway_id)
        return _asked(skill_id, gateway_id, row)


class ConfirmView(AgentDoor):
    """What became of a skill."""

    @for_agents(
        "agent_main_confirm_skill",
        (MAIN,),
        intent="skill_confirm",
        use="Say that a skill you were asked to install or remove is there, gone, or failed",
        avoid="Do not call it before the files are in place",
        effects=("The marketplace shows the new state",),
        needs=("A valid X-Agent-Token of a gateway's own agent", "A message that asked for it"),
        request=shapes_in.SkillState,
        response=schemas.Done,
    )
    def post(self, request: Request, skill_id: UUID) -> Response:
        """Only for its own gateway."""
        body = self.read(shapes_in.SkillState)
        skills.confirm_skill(self.agent, skill_id, state=body.state, detail=body.detail)
        return done()


# --- packs ----------------------------------------------------------------------------------------


def pack_shape(row: Any) -> dict[str, Any]:
    """A pack with the number of its skills."""
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "name": row.name,
        "description": row.description,
        "source_url": row.source_url,
        "branch": row.branch,
        "metadata": row.metadata,
        "skill_count": row.skill_count,
        "sync_state": row.sync_state,
        "sync_result": row.sync_result,
        "synced_at": iso(row.synced_at),
        "version": row.version,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def counted(rows: QuerySet[SkillPack]) -> QuerySet[Any]:
    """Packs with ``skill_count``."""
    return rows.annotate(skill_count=Count("skills"))


class PackListView(ApiView):
    """Packs."""

    @operation(tags=TAGS, summary="List skill packs", response=array_of(shapes_in.PackOut))
    def get(self, request: Request) -> Response:
        """A bare list, newest first."""
        owner = skills.home(self.user, actions.VIEW_SKILLS)
        rows = counted(SkillPack.objects.filter(organization=owner))
        return ok([pack_shape(row) for row in rows.order_by("-created_at", "-id")[:200]])

    @operation(
        tags=TAGS, summary="Add a skill pack", request=shapes_in.PackCreate,
        response=shapes_in.PackOut, refusals=(400,),
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """By its address; a known one is changed."""
        pack = skill_packs.add_pack(self.user, **self.read(shapes_in.PackCreate).given())
        shown = pack_shape(counted(SkillPack.objects.filter(pk=pack.pk)).get())
        location = f"/api/v1/skills/packs/{pack.id}"
        return ok(shown, version=pack.version, location=location)


class PackView(ApiView):
    """One pack."""

    def _seen(self, pack_id: UUID) -> Any:
        pack: SkillPack = SkillPack.objects.seen_by(self.actor, pack_id)
        authz.authorize(self.actor, actions.VIEW_SKILLS, pack)
        return counted(SkillPack.objects.filter(pk=pack.pk)).get()

    @operation(tags=TAGS, summary="Read a skill pack", response=shapes_in.PackOut)
    def get(self, request: Request, pack_id: UUID) -> Response:
        """With the result of its last reading."""
        row = self._seen(pack_id)
        return ok(pack_shape(row), version=row.version)

    @operation(
        tags=TAGS, summary="Change a skill pack", request=shapes_in.PackPatch,
        response=shapes_in.PackOut, refusals=(400,),
    )  # fmt: skip
    def patch(self, request: Request, pack_id: UUID) -> Response:
        """Only the fields that are sent."""
        changes = self.read(shapes_in.PackPatch).given()
        skill_packs.update_pack(self.user, pack_id, changes=changes)
        row = self._seen(pack_id)
        return ok(pack_shape(row), version=row.version)

    @operation(tags=TAGS, summary="Delete a skill pack", response=schemas.Done)
    def delete(self, request: Request, pack_id: UUID) -> Response:
        """Its skills stay in the marketplace."""
        skill_packs.delete_pack(self.user, pack_id)
        return done()


class PackSyncView(ApiView):
    """Read a pack again."""

    @operation(
        tags=TAGS, summary="Synchronise a skill pack",
        response={200: shapes_in.PackSyncOut, ACCEPTED: shapes_in.PackSyncOut},
    )  # fmt: skip
    def post(self, request: Request, pack_id: UUID) -> Response:
        """By a job; 202 while it runs, 502 when the repository could not be read."""
        pack = skill_packs.request_sync(self.user, pack_id)
        if waiting.wants_to_wait(request.GET, default=self.is_v1()):
            pack = waiting.for_pack(pack)
        result = pack.sync_result
        if pack.sync_state == SkillPack.State.FAILED:
            raise RemoteFailed(str(result.get("error") or ""), code=str(result.get("code")))
        keys = ("synced", "created", "updated")
        answer = {
            "ok": True,
            "pack_id": pack.id,
            "state": pack.sync_state,
            **{key: result.get(key, 0) for key in keys},
            "warnings": result.get("warnings", []),
        }
        return ok(answer, status=200 if pack.sync_state == SkillPack.State.DONE else ACCEPTED)
