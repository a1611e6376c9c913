"""How people prove who they are, besides tokens: other services, second factors, passkeys."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from activity.publish import Target
from missioncontrol.kernel.models import Entity
from orgs import querysets


class ExternalIdentity(Entity):
    """A person as an OpenID Connect provider knows him: issuer and subject, never the address."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="external_identities"
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="external_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.subject}"


class SecondFactor(Entity):
    """The secret of a person's code generator, sealed; in force once a code confirmed it.

    ``last_step`` is the time step of the newest code taken: no step counts twice.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    sealed_secret = models.TextField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(Entity):
    """A code that stands in for the generator once; stored hashed, shown once."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Passkey(Entity):
    """A public key in a person's device. Source: W3C Web Authentication, section 4."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys"
    )
    name = models.CharField(max_length=120)
    #: base64url of the credential's id, at most 1 023 bytes.
    credential_id = models.CharField(max_length=1400, unique=True)
    #: Attested credential data: authenticator model, id, public key.
    public_data = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    is_synced = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.OwnQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the passkey."""
        return Target("passkey", self.id, self.name)


class BrowserSession(Entity):
    """A browser that is signed in: what its owner needs to recognise and end it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browser_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True)
    way = models.CharField(max_length=20, blank=True, default="")
    browser = models.CharField(max_length=200, blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="")
    last_seen_at = models.DateTimeField()

    objects = querysets.OwnQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.browser} of {self.user_id}"

    @property
    def target(self) -> Target:
        """How events name the session."""
        return Target("session", self.id, self.browser or self.address)
