"""Bodies and answers of people, organizations, members and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from pydantic import AfterValidator, Field, StringConstraints

from missioncontrol.kernel.schemas import Input, Name, Output, Text, UtcTime, _no_nul

ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_no_nul)
]
Word = Annotated[str, StringConstraints(max_length=60), AfterValidator(_no_nul)]


class ProfilePatch(Input):
    """Own profile and preferences."""

    name: ShortText | None = None
    preferred_name: ShortText | None = None
    pronouns: Word | None = None
    timezone: ShortText | None = None
    notes: Text | None = None
    context: Text | None = None
    theme: Word = "system"
    density: Word = "compact"
    language: Word = ""
    is_high_contrast: bool = False


class Login(Input):
    """Name and password."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=150)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    code: Annotated[str, StringConstraints(max_length=20)] | None = None


class OrganizationCreate(Input):
    """A new organization."""

    name: Name
    description: Text | None = None


class OrganizationPatch(Input):
    """Name and description; null clears the description."""

    name: Name = ""
    description: Text | None = None


class ActivePatch(Input):
    """The organization to work in."""

    organization_id: UUID


class MemberPatch(Input):
    """Another role."""

    role: Word


class BoardAccessIn(Input):
    """Right on one board."""

    board_id: UUID
    can_read: bool = True
    can_write: bool = False


class AccessPut(Input):
    """All rights on boards; what is absent is taken away."""

    all_boards_read: bool = False
    all_boards_write: bool = False
    board_access: list[BoardAccessIn] = Field(default_factory=list, max_length=1000)


class InviteCreate(Input):
    """An invitation and what it gives."""

    invited_email: Annotated[str, StringConstraints(max_length=320)]
    role: Word = "member"
    all_boards_read: bool = False
    all_boards_write: bool = False
    board_access: list[BoardAccessIn] = Field(default_factory=list, max_length=1000)


class InviteQuery(Input):
    """What a list of invitations shows; ``limit`` and ``offset`` as everywhere."""

    reveal: Literal["token"] | None = None
    limit: str | None = None
    offset: str | None = None


REVEAL_PARAMETERS = [
    OpenApiParameter("reveal", str, enum=["token"], description="Show the links; recorded.")
]


class InviteAccept(Input):
    """The token of an invitation's link."""

    token: Annotated[str, StringConstraints(max_length=200)]


class InviteRegister(Input):
    """A new account for the invited e-mail address, with the token of the link."""

    token: Annotated[str, StringConstraints(max_length=200)]
    name: Name
    password: Annotated[str, StringConstraints(max_length=1000)]


class TokenCreate(Input):
    """A new personal access token."""

    name: Annotated[Name, StringConstraints(max_length=120)]
    scope: Word = "write"
    expires_at: UtcTime | None = None


class UserOut(Output):
    """A person, to himself."""

    id: UUID
    clerk_user_id: str | None
    email: str | None
    name: str | None
    preferred_name: str | None
    pronouns: str | None
    timezone: str | None
    notes: str | None
    context: str | None
    is_super_admin: bool
    active_organization_id: UUID | None


class OwnOrganization(Output):
    """An organization of the caller, with his role in it."""

    id: UUID
    name: str
    role: str
    is_active: bool


class OrganizationOut(Output):
    """An organization."""

    id: UUID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class BoardAccessOut(Output):
    """Right on one board."""

    board_id: UUID
    can_read: bool
    can_write: bool


class MemberOut(Output):
    """A member; ``board_access`` is empty for those who may not see it."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    role: str
    all_boards_read: bool
    all_boards_write: bool
    board_access: list[BoardAccessOut]
    created_at: datetime
    updated_at: datetime


class InviteOut(Output):
    """An invitation; ``token`` and ``accept_url`` when it is made and when they are asked for."""

    id: UUID
    organization_id: UUID
    invited_email: str
    role: str
    all_boards_read: bool
    all_boards_write: bool
    board_access: list[BoardAccessOut]
    created_by_user_id: UUID | None
    accepted_by_user_id: UUID | None
    accepted_at: datetime | None
    expires_at: datetime
    mail_state: str
    token: str | None = None
    accept_url: str | None = None
    created_at: datetime
    updated_at: datetime


class TokenOut(Output):
    """A token without its text; ``token`` is present in the answer to its creation only."""

    id: UUID
    name: str
    scope: str
    hint: str
    token: str | None = None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
