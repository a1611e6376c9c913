"""Members over the API: roles, board access, leaving."""

from __future__ import annotations

from typing import Any

import pytest

from activity.models import ActivityEvent
from boards.models import Board, BoardUserObjectPermission
from orgs.models import Membership, Organization, User
from tests import factories
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(world: World) -> User:
    """An administrator of organization A who owns nothing."""
    user = factories.make_user("adam")
    factories.make_member(world.org, user, "admin")
    return user


def client_of(user: User) -> Client:
    return Client(bearer=factories.make_token(user))


def member_of(organization: Organization, user: User) -> Membership:
    return Membership.objects.get(organization=organization, user=user)


def recorded(world: World) -> list[str]:
    rows = ActivityEvent.objects.filter(organization_id=world.org.id)
    return list(rows.order_by("seq").values_list("type", flat=True))


def test_members_are_listed_by_address_with_access_for_administrators(world: World) -> None:
    seen = world.as_ann.get("/organizations/me/members").expect(200)
    assert [m["user"]["email"] for m in seen.items] == ["ann@example.org", "bob@example.org"]
    assert seen.items[1]["board_access"] == [
        {"board_id": str(world.board.id), "can_read": True, "can_write": False}
    ]
    by_bob = world.as_bob.get("/organizations/me/members").expect(200)
    assert by_bob.items[1]["board_access"] == seen.items[1]["board_access"]


def test_a_member_does_not_see_the_access_of_others(world: World) -> None:
    carl = factories.make_user("carl")
    factories.make_member(world.org, carl)
    factories.grant(world.board, carl, "write")
    mine = {
        m["user"]["name"]: m["board_access"]
        for m in world.as_bob.get("/organizations/me/members").items
    }
    assert mine["Carl"] == []
    assert len(mine["Bob"]) == 1


def test_own_membership(world: World) -> None:
    own = world.as_bob.get("/organizations/me/member").expect(200).json
    assert (own["role"], own["user"]["name"], len(own["board_access"])) == ("member", "Bob", 1)


@pytest.mark.parametrize(
    ("who", "whom", "status"),
    [
        ("bob", "bob", 200),
        ("bob", "ann", 403),
        ("ann", "bob", 200),
        ("eve", "bob", 404),
    ],
)
def test_one_member_is_shown_to_himself_and_to_administrators(
    world: World, who: str, whom: str, status: int
) -> None:
    target = member_of(world.org, getattr(world, whom))
    getattr(world, f"as_{who}").get(f"/organizations/me/members/{target.id}").expect(status)


@pytest.mark.parametrize(
    ("who", "whom", "role", "status"),
    [
        pytest.param("ann", "bob", "admin", 200, id="owner makes an admin"),
        pytest.param("ann", "bob", " OWNER ", 200, id="owner makes an owner"),
        pytest.param("adam", "bob", "admin", 200, id="admin makes an admin"),
        pytest.param("adam", "bob", "owner", 403, id="admin makes an owner"),
        pytest.param(
            "adam", "adam", "owner", 403, id="admin himself", marks=pytest.mark.scenario("CORE-13")
        ),
        pytest.param("adam", "ann", "admin", 403, id="admin lowers an owner"),
        pytest.param(
            "ann", "ann", "member", 422, id="last owner", marks=pytest.mark.scenario("CORE-13")
        ),
        pytest.param("bob", "bob", "admin", 403, id="member himself"),
        pytest.param(
            "ann", "bob", "superuser", 422, id="no role", marks=pytest.mark.scenario("CORE-20")
        ),
    ],
)
def test_roles(world: World, admin: User, who: str, whom: str, role: str, status: int) -> None:
    people = {"ann": world.ann, "bob": world.bob, "adam": admin}
    target = member_of(world.org, people[whom])
    before = target.role

    answer = client_of(people[who]).patch(f"/organizations/me/members/{target.id}", {"role": role})

    answer.expect(status)
    target.refresh_from_db()
    assert target.role == (role.strip().lower() if status == 200 else before)
    assert recorded(world) == (["member.role_changed"] if status == 200 else [])


def test_a_second_owner_frees_the_first(world: World, admin: User) -> None:
    mine, his = member_of(world.org, world.ann), member_of(world.org, admin)
    world.as_ann.patch(f"/organizations/me/members/{his.id}", {"role": "owner"}).expect(200)
    world.as_ann.patch(f"/organizations/me/members/{mine.id}", {"role": "member"}).expect(200)
    world.as_ann.patch(f"/organizations/me/members/{mine.id}", {"role": "owner"}).expect(403)


@pytest.mark.scenario("CORE-14")
@pytest.mark.parametrize(
    ("who", "whom", "status", "text"),
    [
        ("adam", "ann", 403, "Only owners can remove owners"),
        ("ann", "ann", 403, "You cannot remove yourself. Ask another administrator."),
        ("adam", "bob", 200, ""),
        ("bob", "adam", 403, "Organization admin access required"),
    ],
)
def test_removing(world: World, admin: User, who: str, whom: str, status: int, text: str) -> None:
    people = {"ann": world.ann, "bob": world.bob, "adam": admin}
    target = member_of(world.org, people[whom])
    answer = client_of(people[who]).delete(f"/organizations/me/members/{target.id}").expect(status)
    assert Membership.objects.filter(pk=target.pk).exists() is (status != 200)
    assert text == "" or answer.json["detail"] == text


def test_who_is_removed_loses_grants_and_falls_back_to_another_organization(world: World) -> None:
    second = factories.make_organization("Second")
    factories.make_member(second, world.bob)
    User.objects.filter(pk=world.bob.pk).update(active_organization=world.org)
    epoch = world.bob.permission_epoch

    target = member_of(world.org, world.bob)
    world.as_ann.delete(f"/organizations/me/members/{target.id}").expect(200)

    world.bob.refresh_from_db()
    assert world.bob.active_organization_id == second.id
    assert world.bob.permission_epoch == epoch + 1
    assert not BoardUserObjectPermission.objects.filter(user=world.bob).exists()
    assert recorded(world) == ["member.removed"]


def test_access_is_replaced_as_a_whole(world: World) -> None:
    target = member_of(world.org, world.bob)
    answer = world.as_ann.put(
        f"/organizations/me/members/{target.id}/access",
        {"board_access": [{"board_id": str(world.second_board.id), "can_write": True}]},
    ).expect(200)
    assert answer.json["board_access"] == [
        {"board_id": str(world.second_board.id), "can_read": True, "can_write": True}
    ]
    bob = world.actor(world.bob)
    assert set(Board.objects.visible_to(bob)) == {world.second_board}
    assert set(Board.objects.writable_by(bob)) == {world.second_board}
    assert set(recorded(world)) == {"member.access_changed", "board.access_changed"}


def test_a_flag_for_all_boards_clears_single_rights(world: World) -> None:
    target = member_of(world.org, world.bob)
    world.as_ann.put(
        f"/organizations/me/members/{target.id}/access", {"all_boards_read": True}
    ).expect(200)
    target.refresh_from_db()
    assert (target.all_boards_read, target.all_boards_write) == (True, False)
    assert not BoardUserObjectPermission.objects.filter(user=world.bob).exists()
    assert Board.objects.visible_to(world.actor(world.bob)).count() == 2


@pytest.mark.scenario("CORE-22")
def test_one_foreign_board_refuses_the_whole(world: World) -> None:
    target = member_of(world.org, world.bob)
    rows: list[dict[str, Any]] = [
        {"board_id": str(world.second_board.id), "can_write": True},
        {"board_id": str(world.other_board.id), "can_read": True},
    ]
    world.as_ann.put(
        f"/organizations/me/members/{target.id}/access", {"board_access": rows}
    ).expect(422)
    assert set(Board.objects.visible_to(world.actor(world.bob))) == {world.board}
    assert recorded(world) == []


def test_a_flag_for_all_boards_gives_no_single_right_on_the_way(world: World) -> None:
    target = member_of(world.org, world.bob)
    path = f"/organizations/me/members/{target.id}/access"
    rows = [{"board_id": str(world.second_board.id), "can_write": True}]
    given = world.as_ann.put(path, {"all_boards_write": True, "board_access": rows}).expect(200)
    assert (given.json["all_boards_write"], given.json["board_access"]) == (True, [])
    told = ActivityEvent.objects.filter(type="board.access_changed").values_list(
        "board_id", "data__can_read"
    )
    assert list(told) == [(world.board.pk, False)]
    foreign = {"board_id": str(world.other_board.id), "can_read": True}
    world.as_ann.put(path, {"all_boards_read": True, "board_access": [foreign]}).expect(422)
    target.refresh_from_db()
    assert target.all_boards_write


@pytest.mark.parametrize("who", ["bob", "eve"])
def test_access_is_changed_by_administrators_only(world: World, who: str) -> None:
    target = member_of(world.org, world.bob)
    answer = getattr(world, f"as_{who}").put(
        f"/organizations/me/members/{target.id}/access", {"all_boards_write": True}
    )
    answer.expect(403 if who == "bob" else 404)
    target.refresh_from_db()
    assert not target.all_boards_write
