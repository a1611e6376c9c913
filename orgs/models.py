"""People, organizations, memberships and personal access tokens."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from missioncontrol.kernel.models import Entity, LeasedWork, TenantEntity

from . import querysets


class UserManager(BaseUserManager["User"]):
    """Creates people by username; the password may be absent."""

    def create_user(self, username: str, password: str | None = None, **fields: object) -> User:
        """A person; without a password he can only sign in by token."""
        user = self.model(username=username, **fields)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, password: str | None = None, **fields: object
    ) -> User:
        """A person who may use the Django admin."""
        return self.create_user(username, password, is_super_admin=True, **fields)


class User(AbstractBaseUser, PermissionsMixin, Entity):
    """A person. ``is_super_admin`` opens the Django admin, and nothing in other organizations."""

    class Theme(models.TextChoices):
        """Colour theme of the pages."""

        SYSTEM = "system", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Density(models.TextChoices):
        """Row height of the pages."""

        COMPACT = "compact", _("Compact")
        COSY = "cosy", _("Cosy")

    class Language(models.TextChoices):
        """Language of the pages."""

        AUTO = "", _("As the browser")
        ENGLISH = "en", "English"
        CHINESE = "zh-hans", "简体中文"

    username = models.CharField(max_length=150, unique=True)
    clerk_user_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    email = models.EmailField(null=True, blank=True)
    email_verified = models.BooleanField(default=False)
    #: The organization whose invitation alone says that the address is his. Others cannot rely on
    #: it: whoever has the link has it, not whoever reads the mailbox.
    email_vouched_by = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=200, blank=True, default="")
    preferred_name = models.CharField(max_length=200, blank=True, default="")
    pronouns = models.CharField(max_length=60, blank=True, default="")
    timezone = models.CharField(max_length=64, blank=True, default="")
    notes = models.TextField(blank=True, default="")
    context = models.TextField(blank=True, default="")
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(max_length=8, choices=Density.choices, default=Density.COMPACT)
    language = models.CharField(
        max_length=8, choices=Language.choices, blank=True, default=Language.AUTO
    )
    is_high_contrast = models.BooleanField(default=False)
    #: Hours of the person's own clock in which notification channels stay silent.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    is_super_admin = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    active_organization = models.ForeignKey(
        "orgs.Organization", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    #: +1 whenever a right of this person changes; sockets ask again when it moves (ruling 20).
    permission_epoch = models.PositiveIntegerField(default=0)

    objects = UserManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """How others call the person."""
        return self.preferred_name or self.name or self.username

    @property
    def is_staff(self) -> bool:
        """May open the Django admin."""
        return self.is_super_admin

    @property
    def target(self) -> Target:
        """How events name the person."""
        return Target("user", self.id, self.display_name)


class Organization(Entity):
    """A tenant: owner of boards, agents, gateways and their record."""

    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)

    objects = querysets.OrganizationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="organization_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the organization."""
        return Target("organization", self.id, self.name)

    @property
    def organization_id(self) -> UUID:
        """An organization owns itself: permission questions read this of every row."""
        return self.id


class Membership(Entity):
    """A person in an organization, with his role and board-wide flags."""

    class RoleChoice(models.TextChoices):
        """Weakest first."""

        MEMBER = "member", _("Member")
        ADMIN = "admin", _("Admin")
        OWNER = "owner", _("Owner")

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=RoleChoice.choices, default=RoleChoice.MEMBER)
    all_boards_read = models.BooleanField(default=False)
    all_boards_write = models.BooleanField(default=False)

    objects = querysets.MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    @property
    def target(self) -> Target:
        """How events name the member."""
        return Target("member", self.id, self.user.display_name)


class Invite(TenantEntity, LeasedWork):
    """A way into an organization for the owner of an e-mail address: once, within 14 days.

    The token is found by its hash; it is also sealed, because an admin may look at it again.
    """

    class MailState(models.TextChoices):
        """Way of the message with the link."""

        OFF = "off", _("Not sent")
        WAITING = "waiting", _("On its way")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    invited_email = models.EmailField()
    token_hash = models.CharField(max_length=64, unique=True)
    token_sealed = models.TextField()
    role = models.CharField(
        max_length=8, choices=Membership.RoleChoice.choices, default=Membership.RoleChoice.MEMBER
    )
    all_boards_read = models.BooleanField(default=False)
    all_boards_write = models.BooleanField(default=False)
    #: ``[{board_id, can_read, can_write}]``; boards deleted meanwhile are passed over.
    board_access: Any = models.JSONField(default=list)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    mail_state = models.CharField(max_length=8, choices=MailState.choices, default=MailState.OFF)
    mail_error = models.CharField(max_length=300, blank=True, default="")

    objects = querysets.InviteQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["invited_email", "created_at"],
                condition=models.Q(accepted_at__isnull=True),
                name="invite_open_by_email",
            ),
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(mail_state="waiting"),
                name="invite_mail_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invited_email} into {self.organization_id}"

    @property
    def target(self) -> Target:
        """How events name the invitation."""
        return Target("invite", self.id, self.invited_email)


class ApiToken(Entity):
    """A personal access token, stored hashed, shown once."""

    class ScopeChoice(models.TextChoices):
        """What the token may do at most."""

        READ = "read", _("Read")
        WRITE = "write", _("Read and write")
        ADMIN = "admin", _("Everything you may")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    token_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    scope = models.CharField(max_length=8, choices=ScopeChoice.choices, default=ScopeChoice.WRITE)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the token."""
        return Target("token", self.id, self.name)


class SignInLink(models.Model):
    """A one-time link into a session, printed at start (10 minutes)."""

    code_hash = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link for {self.user_id}"


# The rest of this app's tables, which point at the person above.
from .notices import models as notice_models  # noqa: E402, F401
from .signin import models as signin_models  # noqa: E402, F401
