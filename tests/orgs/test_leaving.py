"""Leaving an organization and deleting one's account."""

from __future__ import annotations

from typing import Any

import pytest

from activity.models import ActivityEvent
from boards.models import Board, BoardUserObjectPermission, Task
from orgs.models import ApiToken, Membership, Organization, User
from tests import factories
from tests.clients import Client
from tests.orgs.identity_services import SECRET_KEY, served
from tests.world import World

pytestmark = pytest.mark.django_db
OWN = "/organizations/me/member"


def recorded(organization: Organization) -> list[str]:
    rows = ActivityEvent.objects.filter(organization_id=organization.id)
    return list(rows.order_by("seq").values_list("type", flat=True))


def test_a_member_leaves_and_loses_his_boards(world: World) -> None:
    second = factories.make_organization("Second")
    factories.make_member(second, world.bob)
    User.objects.filter(pk=world.bob.pk).update(active_organization=world.org)
    world.as_bob.delete(OWN).expect(200)
    world.bob.refresh_from_db()
    assert world.bob.active_organization_id == second.id
    assert not BoardUserObjectPermission.objects.filter(user=world.bob).exists()
    assert recorded(world.org) == ["member.left"]
    assert world.as_bob.get("/organizations").items[0]["name"] == "Second"


@pytest.mark.parametrize(
    ("has_admin", "code"),
    [(True, "last_owner"), (False, "sole_member")],
)
def test_who_cannot_leave_is_told_what_would_help(world: World, has_admin: bool, code: str) -> None:
    Membership.objects.filter(user=world.bob).update(role="admin")
    if not has_admin:
        Membership.objects.filter(user=world.bob).delete()
    assert world.as_ann.delete(OWN).expect(409).code == code
    assert Membership.objects.filter(user=world.ann).exists()


def test_a_token_that_may_only_read_leaves_nothing(world: World) -> None:
    reader = Client(bearer=factories.make_token(world.bob, scope="read"))
    reader.delete(OWN).expect(403)
    reader.delete("/users/me").expect(403)
    Client(bearer=factories.make_token(world.bob, scope="write")).delete("/users/me").expect(403)
    assert Membership.objects.filter(user=world.bob).exists()


@pytest.mark.scenario("CORE-15")
def test_the_last_owner_stays_while_others_are_there(world: World) -> None:
    alone = factories.make_organization("Alone")
    factories.make_member(alone, world.ann, "owner")
    answer = world.as_ann.delete("/users/me").expect(409)
    assert (answer.code, answer.json["organization_ids"]) == ("last_owner", [str(world.org.id)])
    assert "Acme" in answer.json["detail"]
    assert User.objects.filter(pk=world.ann.pk).exists()
    assert Organization.objects.filter(pk=alone.pk).exists(), "nothing was changed"
    assert recorded(world.org) == recorded(alone) == []

    Membership.objects.filter(user=world.bob, organization=world.org).update(role="owner")
    world.as_ann.delete("/users/me").expect(200)
    assert not User.objects.filter(pk=world.ann.pk).exists()
    assert not Organization.objects.filter(pk=alone.pk).exists()
    assert Organization.objects.filter(pk=world.org.pk).exists()
    assert recorded(world.org) == ["member.left", "user.deleted"]
    world.as_ann.get("/users/me").expect(401)


def test_what_a_person_made_stays_without_an_author(world: World) -> None:
    mine = factories.make_task(world.board, created_by=world.bob)
    world.as_bob.delete("/users/me").expect(200)
    assert Task.objects.get(pk=mine.pk).created_by_id is None
    event = ActivityEvent.objects.filter(organization_id=world.org.id).latest("seq")
    assert (event.actor_name, event.target_title) == ("Bob", "Bob")
    assert not ApiToken.objects.filter(user_id=world.bob.pk).exists()
    assert not BoardUserObjectPermission.objects.filter(user_id=world.bob.pk).exists()


def test_an_organization_without_anybody_else_goes_whole(world: World) -> None:
    factories.make_task(world.other_board)
    world.as_eve.delete("/users/me").expect(200)
    assert not Organization.objects.filter(pk=world.other_org.pk).exists()
    assert not Board.objects.filter(pk=world.other_board.pk).exists()
    assert Board.objects.filter(pk=world.board.pk).exists()
    assert recorded(world.other_org) == []


def test_the_account_at_clerk_goes_first(world: World, settings: Any) -> None:
    User.objects.filter(pk=world.bob.pk).update(clerk_user_id="user_1")
    with served() as clerk:
        settings.AUTH_MODES = ("clerk",)
        settings.CLERK_SECRET_KEY, settings.CLERK_API_URL = SECRET_KEY, clerk.url
        clerk.profiles["user_1"] = {}
        clerk.status = 500
        answer = world.as_bob.delete("/users/me").expect(502)
        assert answer.json["detail"] == "Failed to delete account from Clerk"
        assert User.objects.filter(pk=world.bob.pk).exists()
        clerk.status = 200
        world.as_bob.delete("/users/me").expect(200)
        assert clerk.profiles == {}
    assert not User.objects.filter(pk=world.bob.pk).exists()


def test_a_refusal_leaves_the_account_at_clerk_alone(world: World, settings: Any) -> None:
    User.objects.filter(pk=world.ann.pk).update(clerk_user_id="user_2")
    with served() as clerk:
        settings.AUTH_MODES = ("clerk",)
        settings.CLERK_SECRET_KEY, settings.CLERK_API_URL = SECRET_KEY, clerk.url
        world.as_ann.delete("/users/me").expect(409)
        assert clerk.asked == []
