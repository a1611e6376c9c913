"""Invitations over the API: making, showing, revoking, accepting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activity.models import ActivityEvent, AuditEntry
from boards.models import Board, BoardUserObjectPermission
from missioncontrol.kernel import clock
from missioncontrol.kernel.models import IdempotencyRecord
from orgs.models import Invite, Membership, Organization, User
from orgs.services import users
from tests import factories
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db
INVITES = "/organizations/me/invites"
ACCEPT = "/organizations/invites/accept"


def guest(name: str = "gus", **fields: Any) -> User:
    """A person with a verified address and no membership."""
    fields.setdefault("email_verified", True)
    return factories.make_user(name, **fields)


def client_of(user: User, **options: Any) -> Client:
    return Client(bearer=factories.make_token(user, **options))


def recorded(organization: Organization) -> list[str]:
    rows = ActivityEvent.objects.filter(organization_id=organization.id)
    return list(rows.order_by("seq").values_list("type", flat=True))


def invited(world: World, email: str = "gus@example.org", **fields: Any) -> str:
    """Token of a new invitation by the owner."""
    answer = world.as_ann.post(INVITES, {"invited_email": email, **fields}).expect(200)
    token: str = answer.json["token"]
    return token


def test_an_invitation_is_answered_with_its_link_once(world: World) -> None:
    body = {"invited_email": "  Gus@Example.ORG ", "role": " Admin ", "all_boards_read": True}
    answer = world.as_ann.post(INVITES, body).expect(200)
    made = answer.json
    assert made["invited_email"] == "gus@example.org"
    assert (made["role"], made["all_boards_read"], made["mail_state"]) == ("admin", True, "off")
    assert made["accept_url"] == f"http://testserver/invite?token={made['token']}"
    assert len(made["token"].removeprefix("mci_")) == 32, "192 random bits"
    row = Invite.objects.get()
    assert row.expires_at - row.created_at > timedelta(days=13, hours=23)
    assert made["token"] not in (row.token_hash + row.token_sealed)
    assert answer.headers["Location"].endswith(made["id"])

    listed = world.as_ann.get(INVITES).expect(200)
    assert [entry["id"] for entry in listed.items] == [made["id"]]
    assert "token" not in listed.items[0]
    assert recorded(world.org) == ["invite.created"]
    assert AuditEntry.objects.filter(organization_id=world.org.id).count() == 1
    assert made["token"] not in str(ActivityEvent.objects.values_list("data", "target_title"))


def test_looking_at_a_link_is_recorded(world: World) -> None:
    token = invited(world)
    shown = world.as_ann.get(f"{INVITES}?reveal=token").expect(200)
    assert shown.items[0]["token"] == token
    assert recorded(world.org) == ["invite.created", "invite.revealed"]
    world.as_ann.get(f"{INVITES}?reveal=all").expect(422)
    reader = client_of(world.ann, scope="read")
    reader.get(INVITES).expect(200)
    reader.get(f"{INVITES}?reveal=token").expect(403)


def test_a_repeated_request_makes_one_invitation_and_tells_no_link(world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = world.as_ann.post(INVITES, {"invited_email": "gus@example.org"}, headers=headers)
    again = world.as_ann.post(INVITES, {"invited_email": "gus@example.org"}, headers=headers)
    assert again.headers["Idempotent-Replay"] == "true"
    assert (again.json["id"], again.json["token"]) == (first.json["id"], None)
    assert Invite.objects.count() == 1
    assert first.json["token"] not in str(IdempotencyRecord.objects.values_list("body"))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"invited_email": "nobody"}, 422, "invalid"),
        ({"invited_email": "a@b@c.org"}, 422, "invalid"),
        ({"invited_email": " "}, 422, "invalid"),
        ({}, 422, "invalid"),
        ({"invited_email": "g@e.org", "role": "king"}, 422, "unknown_role"),
        ({"invited_email": "g@e.org", "extra": 1}, 422, "invalid"),
        ({"invited_email": "BOB@example.org"}, 409, "already_member"),
        ({"invited_email": "g@e.org", "board_access": [{"board_id": "x"}]}, 422, "invalid"),
    ],
)
def test_refused_invitations(world: World, body: dict[str, Any], status: int, code: str) -> None:
    answer = world.as_ann.post(INVITES, body).expect(status)
    assert answer.code == code
    assert not Invite.objects.exists()
    assert recorded(world.org) == []


def test_a_board_of_another_organization_refuses_the_invitation(world: World) -> None:
    rows = [{"board_id": str(b.id)} for b in (world.board, world.other_board)]
    answer = world.as_ann.post(INVITES, {"invited_email": "g@e.org", "board_access": rows})
    assert answer.expect(422).json["invalid_board_ids"] == [str(world.other_board.id)]
    assert not Invite.objects.exists()


@pytest.mark.parametrize(("who", "role", "status"), [
    ("adam", "owner", 403), ("adam", "admin", 200), ("ann", "owner", 200), ("bob", "member", 403),
])  # fmt: skip
def test_who_may_invite_as_what(world: World, who: str, role: str, status: int) -> None:
    adam = factories.make_user("adam")
    factories.make_member(world.org, adam, "admin")
    people = {"ann": world.ann, "bob": world.bob, "adam": adam}
    client = client_of(people[who])
    client.post(INVITES, {"invited_email": "g@e.org", "role": role}).expect(status)
    assert Invite.objects.exists() is (status == 200)


@pytest.mark.scenario("CORE-16")
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"email": "y@e.org"}, id="another address"),
        pytest.param({"email": None, "email_verified": False}, id="no address"),
        pytest.param({"email": "x@e.org", "email_verified": False}, id="not verified"),
    ],
)
def test_only_the_owner_of_the_address_accepts(world: World, fields: dict[str, Any]) -> None:
    token = invited(world, "x@e.org")
    wrong, right = guest("why", **fields), guest("ex", email="X@e.org")
    answer = client_of(wrong).post(ACCEPT, {"token": token}).expect(403)
    assert answer.code == "other_email"
    assert not Membership.objects.filter(user=wrong).exists()
    client_of(right).post(ACCEPT, {"token": token}).expect(200)


@pytest.mark.scenario("CORE-17")
def test_used_revoked_old_and_unknown_links_look_the_same(world: World) -> None:
    used, revoked, old = (invited(world) for _ in range(3))
    gus = client_of(guest())
    gus.post(ACCEPT, {"token": used}).expect(200)
    made = {i["token"]: i["id"] for i in world.as_ann.get(f"{INVITES}?reveal=token").items}
    removed = world.as_ann.delete(f"{INVITES}/{made[revoked]}").expect(200)
    assert removed.json["id"] == made[revoked]
    Invite.objects.filter(pk=made[old]).update(expires_at=clock.now() - timedelta(days=1))

    answers = [gus.post(ACCEPT, {"token": t}) for t in (used, revoked, old, "mci_unknown", "")]

    bodies = [{k: v for k, v in a.expect(404).json.items() if k != "request_id"} for a in answers]
    assert all(body == bodies[0] for body in bodies)
    world.as_ann.delete(f"{INVITES}/{made[revoked]}").expect(404)
    world.as_ann.delete(f"{INVITES}/{made[old]}").expect(404)


def test_a_fortnight_is_the_life_of_a_link(world: World) -> None:
    token = invited(world)
    gus = client_of(guest(), expires_at=None)
    with clock.at(clock.now() + timedelta(days=15)):
        gus.post(ACCEPT, {"token": token}).expect(404)
        assert world.as_ann.get(INVITES).items == []
    gus.post(ACCEPT, {"token": token}).expect(200)


def test_accepting_gives_role_flags_and_boards(world: World) -> None:
    token = invited(
        world, board_access=[{"board_id": str(world.second_board.id), "can_write": True}]
    )
    gus = guest()
    answer = client_of(gus).post(ACCEPT, {"token": token}).expect(200)
    assert answer.json["board_access"] == [
        {"board_id": str(world.second_board.id), "can_read": True, "can_write": True}
    ]
    assert set(Board.objects.writable_by(world.actor(gus))) == {world.second_board}
    gus.refresh_from_db()
    assert gus.active_organization_id == world.org.id
    row = Invite.objects.get()
    assert (row.accepted_by_id, row.accepted_at is not None) == (gus.id, True)
    assert recorded(world.org)[1:] == ["member.added", "board.access_changed", "invite.accepted"]


@pytest.mark.scenario("CORE-19")
def test_accepting_never_lowers(world: World) -> None:
    adam = guest("adam")
    member = factories.make_member(world.org, adam, "admin", all_boards_read=True)
    factories.grant(world.board, adam, "write")
    rights = {"board_id": str(world.second_board.id), "can_read": True, "can_write": True}
    factories.make_invite(world.org, "adam@example.org", token="mci_a", board_access=[rights])
    client_of(adam).post(ACCEPT, {"token": "mci_a"}).expect(200)
    member.refresh_from_db()
    assert (member.role, member.all_boards_read, member.all_boards_write) == ("admin", True, False)
    assert set(Board.objects.writable_by(world.actor(adam))) == {world.board, world.second_board}


def test_accepting_raises_role_and_flags(world: World) -> None:
    User.objects.filter(pk=world.bob.pk).update(email_verified=True)
    factories.make_invite(
        world.org, "bob@example.org", token="mci_b", role="admin", all_boards_write=True
    )
    world.as_bob.post(ACCEPT, {"token": "mci_b"}).expect(200)
    member = Membership.objects.get(organization=world.org, user=world.bob)
    assert (member.role, member.all_boards_read, member.all_boards_write) == ("admin", True, True)
    assert not BoardUserObjectPermission.objects.filter(user=world.bob).exists()
    types = recorded(world.org)
    assert {"member.role_changed", "member.access_changed", "invite.accepted"} <= set(types)


def test_boards_deleted_meanwhile_are_passed_over(world: World) -> None:
    token = invited(
        world,
        board_access=[{"board_id": str(b.id)} for b in (world.board, world.second_board)],
    )
    world.second_board.delete()
    answer = client_of(guest()).post(ACCEPT, {"token": token}).expect(200)
    assert [a["board_id"] for a in answer.json["board_access"]] == [str(world.board.id)]


@pytest.mark.scenario("CORE-25")
def test_foreign_invitations_are_not_there(world: World) -> None:
    invite = factories.make_invite(world.org, "g@e.org")
    world.as_eve.delete(f"{INVITES}/{invite.id}").expect(404)
    world.as_eve.delete(f"{INVITES}/{world.org.id}").expect(404)
    assert world.as_eve.get(INVITES).items == []
    assert Invite.objects.filter(pk=invite.pk).exists()


def test_attempts_are_limited_per_address(world: World) -> None:
    client = client_of(guest())
    for _ in range(10):
        client.post(ACCEPT, {"token": "mci_nothing"}).expect(404)
    refused = client.post(ACCEPT, {"token": "mci_nothing"}).expect(429)
    assert int(refused.headers["Retry-After"]) > 0


def test_a_new_person_joins_where_he_was_invited_first(world: World) -> None:
    newer = factories.make_invite(world.other_org, "zoe@example.org")
    older = factories.make_invite(world.org, "zoe@example.org")
    Invite.objects.filter(pk=older.pk).update(created_at=newer.created_at - timedelta(hours=1))
    zoe = guest("zoe")
    answer = client_of(zoe).post("/auth/bootstrap").expect(200)
    assert answer.json["active_organization_id"] == str(world.org.id)
    assert [m.organization_id for m in zoe.memberships.all()] == [world.org.id]
    newer.refresh_from_db()
    assert newer.accepted_at is None


@pytest.mark.parametrize("spoil", ["unverified", "old", "used", "member"])
def test_otherwise_he_gets_an_organization_of_his_own(world: World, spoil: str) -> None:
    zoe = guest("zoe", email_verified=spoil != "unverified")
    fields: dict[str, Any] = {}
    if spoil == "old":
        fields = {"expires_at": clock.now() - timedelta(seconds=1)}
    if spoil == "used":
        fields = {"accepted_at": clock.now()}
    if spoil == "member":
        factories.make_member(world.other_org, zoe)
    factories.make_invite(world.org, "zoe@example.org", **fields)
    users.bootstrap(world.actor(zoe))
    names = [m.organization.name for m in zoe.memberships.all()]
    assert names == ["Other" if spoil == "member" else "Personal"]


def test_a_password_account_made_for_an_invited_address_joins(world: World) -> None:
    factories.make_invite(world.org, "zoe@example.org", role="admin")
    zoe = users.create_password_user(
        username="zoe", password="a long enough password", email="Zoe@example.org",
        email_verified=True, is_super_admin=False,
    )  # fmt: skip
    assert [(m.organization_id, m.role) for m in zoe.memberships.all()] == [(world.org.id, "admin")]
