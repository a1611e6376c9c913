"""Pages of the organization: members, access, invitations, the organization, the account."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from boards.models import Board
from orgs.models import Invite, Membership, Organization, User
from tests import factories as f
from tests.pages.conftest import browser
from tests.world import World


def member_of(world: World, user: User) -> Membership:
    return Membership.objects.get(organization=world.org, user=user)


def guest(name: str = "gus") -> User:
    """A person with a verified address and an organization of his own."""
    user = f.make_user(name, email_verified=True)
    f.make_member(f.make_organization(f"{name}'s"), user, "owner")
    return user


def invited(world: World, ann: Client, **fields: Any) -> str:
    """Address behind a new invitation, as the page shows it."""
    form = {"invited_email": "gus@example.org", "role": "member", "reach": "chosen", **fields}
    assert ann.post("/organization/invites/new", form).status_code == 302
    html = ann.get("/organization").content.decode()
    found = re.search(r'data-mc-copy="http://testserver(/invite\?token=[^"]+)"', html)
    assert found is not None
    return found[1]


def test_an_invitation_is_made_shown_once_and_revoked(world: World, ann: Client) -> None:
    link = invited(world, ann, **{f"board_{world.board.id}": "write"})
    html = ann.get("/organization").content.decode()
    assert "gus@example.org" in html
    assert link not in html
    invite = Invite.objects.get()
    assert invite.board_access[0]["can_write"] is True
    ann.post(f"/organization/invites/{invite.id}/link")
    assert link in ann.get("/organization").content.decode()
    ann.post(f"/organization/invites/{invite.id}/revoke")
    assert not Invite.objects.exists()
    assert ann.get(link).status_code == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"invited_email": "nobody"}, "Enter an e-mail address such as"),
        ({"invited_email": "bob@example.org"}, "This person is already a member."),
        ({"reach": "moon"}, "Select a valid choice"),
        ({"role": "king"}, "Select a valid choice"),
    ],
)
def test_a_refused_invitation_keeps_what_was_typed(
    world: World, ann: Client, fields: dict[str, str], text: str
) -> None:
    form = {"invited_email": "gus@example.org", "role": "member", "reach": "read", **fields}
    answer = ann.post("/organization/invites/new", form)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert text in html
    assert form["invited_email"] in html


def test_members_see_no_invitations_and_make_none(world: World, bob: Client) -> None:
    invite = f.make_invite(world.org, "gus@example.org")
    html = bob.get("/organization").content.decode()
    assert "gus@example.org" not in html
    assert "/organization/invites/new" not in html
    assert bob.get("/organization/invites/new").status_code == 403
    assert bob.get("/organization/access").status_code == 403
    assert bob.post(f"/organization/invites/{invite.id}/link").status_code == 403
    assert bob.post(f"/organization/invites/{invite.id}/revoke").status_code == 403
    assert Invite.objects.exists()


def test_foreign_members_and_invitations_are_not_there(world: World, eve: Client) -> None:
    invite, bob = f.make_invite(world.org, "g@e.org"), member_of(world, world.bob)
    assert eve.post(f"/organization/invites/{invite.id}/link").status_code == 404
    assert eve.get(f"/organization/members/{bob.id}").status_code == 404
    assert eve.post(f"/organization/members/{bob.id}/remove").status_code == 404


def test_the_way_through_sign_in_and_back(world: World, ann: Client) -> None:
    f.make_user("gus", email_verified=True, password="a long enough password")
    link = invited(world, ann)
    stranger = Client()
    html = stranger.get(link).content.decode()
    assert "Acme" in html
    way = f"/sign-in?next={quote(link)}"
    assert way in html
    signed_in = stranger.post(
        "/sign-in",
        {
            "mode": "password",
            "username": "gus",
            "password": "a long enough password",
            "next": link,
        },
    )
    assert signed_in["Location"] == link


def test_accepting_leads_into_the_organization(world: World, ann: Client) -> None:
    gus = guest()
    link = invited(world, ann, **{f"board_{world.board.id}": "read"})
    window = browser(gus)
    assert "Accept the invitation" in window.get(link).content.decode()
    answer = window.post("/invite", {"token": link.partition("=")[2]})
    assert answer["Location"] == "/dashboard"
    html = window.get("/boards").content.decode()
    assert f"/boards/{world.board.id}" in html
    assert f"/boards/{world.second_board.id}" not in html
    assert window.get(link).status_code == 404


def test_somebody_else_is_told_and_does_not_get_in(world: World, ann: Client, bob: Client) -> None:
    link = invited(world, ann)
    html = bob.get(link).content.decode()
    assert "no verified e-mail address" in html
    assert "Accept the invitation" not in html
    answer = bob.post("/invite", {"token": link.partition("=")[2]})
    assert answer.status_code == 403
    assert Invite.objects.get().accepted_at is None
    again = bob.post("/sign-out", {"next": link})
    assert again["Location"] == f"/sign-in?next={quote(link)}"


def test_a_link_that_leads_nowhere_says_so(world: World) -> None:
    for token in ("", "x", "mci_unknown"):
        answer = Client().get(f"/invite?token={token}")
        assert answer.status_code == 404
        assert "leads nowhere" in answer.content.decode()


def test_attempts_on_the_page_are_limited(world: World, bob: Client) -> None:
    cache.clear()
    codes = [bob.post("/invite", {"token": "mci_x"}).status_code for _ in range(11)]
    assert codes == [404] * 10 + [429]


def test_one_member_is_changed_on_his_page(world: World, ann: Client) -> None:
    bob = member_of(world, world.bob)
    html = ann.get(f"/organization/members/{bob.id}").content.decode()
    assert "A1" in html
    ann.post(f"/organization/members/{bob.id}/role", {"role": "admin"})
    access = {"reach": "chosen", f"board_{world.second_board.id}": "write"}
    ann.post(f"/organization/members/{bob.id}/access", access)
    bob.refresh_from_db()
    assert bob.role == "admin"
    who = world.actor(world.bob)
    assert set(Board.objects.visible_to(who)) == {world.second_board}
    assert set(Board.objects.writable_by(who)) == {world.second_board}
    ann.post(f"/organization/members/{bob.id}/access", {"reach": "read"})
    bob.refresh_from_db()
    assert (bob.all_boards_read, bob.all_boards_write) == (True, False)


def test_refused_changes_are_told_on_the_page(world: World, ann: Client) -> None:
    mine = member_of(world, world.ann)
    answer = ann.post(f"/organization/members/{mine.id}/role", {"role": "member"})
    assert answer.status_code == 422
    assert "must have at least one owner" in answer.content.decode()
    assert ann.post(f"/organization/members/{mine.id}/remove").status_code == 403


def test_an_admin_is_offered_nothing_that_only_owners_may(world: World) -> None:
    adam = f.make_user("adam")
    f.make_member(world.org, adam, "admin")
    window = browser(adam)
    html = window.get(f"/organization/members/{member_of(world, world.ann).id}").content.decode()
    assert "/role" not in html
    assert "/remove" not in html
    html = window.get(f"/organization/members/{member_of(world, world.bob).id}").content.decode()
    assert "/remove" in html
    assert 'value="owner"' not in html


def test_a_member_sees_himself_and_nobody_else(world: World, bob: Client) -> None:
    mine = member_of(world, world.bob)
    html = bob.get(f"/organization/members/{mine.id}").content.decode()
    assert "A1" in html
    assert "/access" not in html
    assert bob.get(f"/organization/members/{member_of(world, world.ann).id}").status_code == 403


def test_removing_a_member(world: World, ann: Client, bob: Client) -> None:
    row = member_of(world, world.bob)
    assert ann.post(f"/organization/members/{row.id}/remove")["Location"] == "/organization"
    assert not Membership.objects.filter(pk=row.pk).exists()
    assert f"/boards/{world.board.id}" not in bob.get("/boards").content.decode()


def test_the_matrix_shows_who_may_do_what(world: World, ann: Client) -> None:
    html = ann.get("/organization/access").content.decode()
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html, re.S)
    plain = [re.sub(r"<[^>]+>", " ", row.replace("</td>", "|")).split("|") for row in rows]
    cells = {line[0].split()[0]: [cell.strip() for cell in line[1:-1]] for line in plain}
    assert cells["Ann"][-2:] == ["Write", "Write"]
    assert cells["Bob"][-2:] == ["Read", "—"]


@pytest.mark.parametrize("address", ["/organization", "/organization/access"])
def test_pages_of_members_cost_the_same_for_many(world: World, ann: Client, address: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert ann.get(address).status_code == 200
        return len(queries)

    f.make_invite(world.org, "first@example.org", created_by=world.ann)
    cost()  # what is read once per process
    few = cost()
    for number in range(12):
        user = f.make_user()
        f.make_member(world.org, user)
        f.grant(world.board, user)
        f.make_board(world.org)
        f.make_invite(world.org, f"more{number}@example.org", created_by=user)
    assert cost() == few


def test_a_new_organization_and_its_change(world: World, ann: Client) -> None:
    answer = ann.post("/organization/new", {"name": "Lab", "description": ""})
    assert answer["Location"] == "/dashboard"
    html = ann.get("/organization/edit").content.decode()
    assert "Lab" in html
    ann.post("/organization/edit", {"name": "Lab two", "description": "Trials"})
    made = Organization.objects.get(name="Lab two")
    assert made.description == "Trials"
    refused = ann.post("/organization/edit", {"name": "acme", "description": ""})
    assert refused.status_code == 422
    assert "An organization of this name exists." in refused.content.decode()
    assert ann.post("/organization/new", {"name": " "}).status_code == 422


def test_members_read_the_organization_and_change_nothing(world: World, bob: Client) -> None:
    html = bob.get("/organization/edit").content.decode()
    assert "Acme" in html
    assert 'name="name"' not in html
    assert "/organization/delete" not in html
    answer = bob.post("/organization/edit", {"name": "Mine", "description": ""})
    assert answer.status_code == 403
    assert not Organization.objects.filter(name="Mine").exists()
    assert bob.get("/organization/delete").status_code == 403


def test_leaving(world: World, ann: Client, bob: Client) -> None:
    assert "You are the last owner" in ann.get("/organization/edit").content.decode()
    assert ann.post("/organization/leave").status_code == 409
    assert bob.post("/organization/leave")["Location"] == "/organization/new"
    assert not Membership.objects.filter(user=world.bob).exists()
    assert bob.get("/organization/new").status_code == 200
    assert bob.post("/organization/new", {"name": "Bob's"})["Location"] == "/dashboard"
    assert bob.get("/dashboard").status_code == 200


def test_an_organization_is_deleted_by_its_name_only(world: World, ann: Client) -> None:
    second = f.make_organization("Second")
    f.make_member(second, world.ann, "owner")
    assert ann.post("/organization/delete", {"confirm_name": "Acm"}).status_code == 422
    assert Organization.objects.filter(pk=world.org.pk).exists()
    assert ann.post("/organization/delete", {"confirm_name": "Acme"})["Location"] == "/dashboard"
    assert not Organization.objects.filter(pk=world.org.pk).exists()
    assert "Second" in ann.get("/organization").content.decode()


def test_the_whole_profile_is_edited_on_one_page(world: World, ann: Client) -> None:
    form = {
        "name": "Ann A",
        "preferred_name": "Annie",
        "pronouns": "she",
        "timezone": "Asia/Shanghai",
        "notes": "No calls before ten.",
        "context": "Runs operations.",
    }
    assert ann.post("/settings/profile", form).status_code == 302
    user = User.objects.get(pk=world.ann.pk)
    assert {name: getattr(user, name) for name in form} == form
    html = ann.get("/settings").content.decode()
    assert all(value in html for value in form.values())


def test_an_account_is_deleted_by_its_name_only(world: World, ann: Client, bob: Client) -> None:
    assert "/settings/delete-account" in bob.get("/settings").content.decode()
    assert bob.post("/settings/delete-account", {"confirm_name": "Bob"}).status_code == 422
    answer = ann.post("/settings/delete-account", {"confirm_name": "ann"})
    assert answer.status_code == 409
    assert "You are the last owner of Acme" in answer.content.decode()
    assert User.objects.filter(pk__in=[world.ann.pk, world.bob.pk]).count() == 2
    assert bob.post("/settings/delete-account", {"confirm_name": "bob"})["Location"] == "/sign-in"
    assert not User.objects.filter(pk=world.bob.pk).exists()
    assert bob.get("/dashboard").status_code == 302
    assert settings.SESSION_COOKIE_NAME not in bob.cookies or bob.get("/boards").status_code == 302


def test_what_goes_with_the_account_is_named_before(world: World, eve: Client) -> None:
    html = eve.get("/settings/delete-account").content.decode()
    assert "They are deleted with everything in them" in html
    assert "Other" in html
