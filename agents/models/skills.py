"""Skills that agents can learn, the packs they come from, and where they are installed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from agents import querysets
from missioncontrol.kernel.models import LeasedWork, TenantEntity, Versioned


class SkillPack(TenantEntity, Versioned, LeasedWork):
    """A repository of skills. Its lease is that of the running sync (ruling 18)."""

    class State(models.TextChoices):
        """What the last sync came to."""

        NEVER = "never", _("Not synchronised")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Synchronised")
        FAILED = "failed", _("Failed")

    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)
    source_url = models.CharField(max_length=500)
    branch = models.CharField(max_length=200, default="main")
    metadata: Any = models.JSONField(default=dict, blank=True)
    sync_state = models.CharField(max_length=8, choices=State.choices, default=State.NEVER)
    #: ``{synced, created, updated, removed, warnings, error, branch, commit}`` of the last sync.
    sync_result: Any = models.JSONField(default=dict, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    requested_by: Any = models.JSONField(default=dict, blank=True)

    objects = querysets.AdminQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "source_url"], name="pack_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the pack."""
        return Target("skill_pack", self.id, self.name)


class Skill(TenantEntity, LeasedWork):
    """One skill: what it is for, where it comes from, and what a look at its text found.

    One of a pack is looked at when the pack is read; one that was added by its address by a job of
    its own, whose lease this is.
    """

    class Scan(models.TextChoices):
        """Whether a look at its files is still to come; empty when the last one is valid."""

        NONE = "", _("None")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        FAILED = "failed", _("Failed")

    pack = models.ForeignKey(
        SkillPack, on_delete=models.SET_NULL, null=True, blank=True, related_name="skills"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)
    category = models.CharField(max_length=200, blank=True, default="")
    risk = models.CharField(max_length=40, blank=True, default="")
    source = models.CharField(max_length=500, blank=True, default="")
    source_url = models.CharField(max_length=1000)
    metadata: Any = models.JSONField(default=dict, blank=True)
    #: Where it was read: ``{repository, branch, commit, path, sha256, files}``; empty by hand.
    provenance: Any = models.JSONField(default=dict, blank=True)
    #: SKILL.md as it was scanned, cut to 64 KiB.
    content = models.TextField(blank=True, default="")
    #: ``[{rule, severity, file, line, excerpt}]``.
    findings: Any = models.JSONField(default=list, blank=True)
    scanned_at = models.DateTimeField(null=True, blank=True)
    scan_state = models.CharField(max_length=8, choices=Scan.choices, blank=True, default=Scan.NONE)
    #: Why its files could not be read: ``{code, text}``.
    scan_error: Any = models.JSONField(default=dict, blank=True)

    objects = querysets.SkillQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "source_url"], name="skill_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at"], name="skill_newest"),
            models.Index(
                fields=["updated_at"],
                condition=models.Q(scan_state__in=["waiting", "running"]),
                name="skill_scan_open",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the skill."""
        return Target("skill", self.id, self.name)

    @property
    def look(self) -> str:
        """How far the look at its files is: never, waiting, running, failed, done."""
        return self.scan_state or ("done" if self.scanned_at else "never")

    @property
    def is_being_looked_at(self) -> bool:
        """The result is still to come."""
        return self.scan_state in (self.Scan.WAITING, self.Scan.RUNNING)


class SkillInstall(TenantEntity):
    """A skill on a gateway: asked of its main agent, then confirmed by it."""

    class State(models.TextChoices):
        """``requested`` until the agent confirms."""

        REQUESTED = "requested", _("Requested")
        INSTALLED = "installed", _("Installed")
        REMOVING = "removing", _("Removal requested")
        FAILED = "failed", _("Failed")

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="installs")
    gateway = models.ForeignKey(
        "gateways.Gateway", on_delete=models.CASCADE, related_name="skill_installs"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_by_name = models.CharField(max_length=200, blank=True, default="")
    installed_at = models.DateTimeField(null=True, blank=True)
    detail = models.TextField(blank=True, default="")
    #: SHA-256 of the text that was looked at before it was asked for.
    content_sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["skill", "gateway"], name="install_once"),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} on {self.gateway_id}"
