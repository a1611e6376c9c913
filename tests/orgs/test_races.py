"""Parallel first requests, owners and links: one effect each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from activity.models import ActivityEvent
from missioncontrol.kernel.errors import DomainError
from orgs import credentials
from orgs.models import Membership, Organization, User
from orgs.services import accounts, invites, members, organizations, sign_in, users
from tests import factories
from tests.clients import api, operator

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, call: Callable[[int], object]) -> list[object]:
    """Results of ``call(0…count-1)`` in threads that start together; refusals by their code."""
    start = Barrier(count)

    def run(number: int) -> object:
        start.wait(10)
        try:
            return call(number)
        except DomainError as refusal:
            return refusal.machine_code
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.scenario("CORE-11")
def test_parallel_first_requests_make_one_person_and_one_organization() -> None:
    answers = at_once(6, lambda _n: operator().get("/organizations/me").expect(200).json["id"])

    assert User.objects.count() == 1
    assert Organization.objects.get().name == "Personal"
    assert Membership.objects.count() == 1
    assert ActivityEvent.objects.filter(type="organization.created").count() == 1
    assert set(answers) == {str(Organization.objects.get().id)}


def test_two_owners_who_leave_at_once_leave_one() -> None:
    org = factories.make_organization()
    people = [factories.make_user(), factories.make_user()]
    rows = [factories.make_member(org, user, "owner") for user in people]
    actors = [credentials.actor_of(user.id) for user in people]

    results = at_once(
        2,
        lambda n: members.change_role(actors[n], rows[n].id, role="member").role,  # type: ignore[arg-type]
    )

    assert sorted(map(str, results)) == ["last_owner", "member"]
    assert Membership.objects.filter(role="owner").count() == 1


def test_one_name_for_one_organization() -> None:
    users = [factories.make_user() for _ in range(5)]
    actors = [credentials.actor_of(u.id) for u in users]

    results = at_once(
        5,
        lambda n: organizations.create_organization(actors[n], name="Same").name,  # type: ignore[arg-type]
    )

    assert sorted(map(str, results)) == ["Same", *["name_taken"] * 4]
    assert Organization.objects.count() == 1


def test_a_link_signs_one_browser_in() -> None:
    code = sign_in.issue_sign_in_link()
    results = at_once(4, lambda n: sign_in.sign_in_with_link(code, address=f"a{n}").username)
    assert sorted(map(str, results)) == ["local-auth-user", *["unauthenticated"] * 3]


@pytest.mark.scenario("CORE-18")
def test_one_invitation_accepted_twice_at_once_is_used_once() -> None:
    org = factories.make_organization()
    user = factories.make_user("gus", email_verified=True)
    factories.make_invite(org, "gus@example.org", token="mci_once")
    clients = [api(factories.make_token(user)) for _ in range(2)]

    results = at_once(
        2, lambda n: clients[n].post("/organizations/invites/accept", {"token": "mci_once"}).status
    )

    assert sorted(map(str, results)) == ["200", "404"]
    assert Membership.objects.filter(organization=org).count() == 1
    assert ActivityEvent.objects.filter(type="invite.accepted").count() == 1


def test_ten_people_race_for_one_invitation_and_one_gets_in() -> None:
    """The address is verified for one account only; others of the same address lose the race."""
    org = factories.make_organization()
    people = [factories.make_user(email="same@example.org", email_verified=True) for _ in range(10)]
    factories.make_invite(org, "same@example.org", token="mci_race")
    actors = [credentials.actor_of(user.id) for user in people]

    results = at_once(
        10,
        lambda n: invites.accept_invite(actors[n], token="mci_race", address=f"a{n}").role,  # type: ignore[arg-type]
    )

    assert sorted(map(str, results)) == ["member", *["not_found"] * 9]
    assert Membership.objects.count() == 1


def test_parallel_first_requests_of_an_invited_person_use_the_invitation_once() -> None:
    org = factories.make_organization("Team")
    user = factories.make_user("gus", email_verified=True)
    factories.make_invite(org, "gus@example.org")
    actors = [credentials.actor_of(user.id) for _ in range(6)]

    at_once(6, lambda n: users.bootstrap(actors[n]).id)  # type: ignore[arg-type]

    assert [m.organization_id for m in Membership.objects.all()] == [org.id]
    assert Organization.objects.count() == 1
    assert ActivityEvent.objects.filter(type="member.added").count() == 1


def test_two_owners_who_delete_their_accounts_at_once_leave_one() -> None:
    org = factories.make_organization()
    people = [factories.make_user() for _ in range(2)]
    for user in people:
        factories.make_member(org, user, "owner")
    factories.make_member(org, factories.make_user(), "member")
    actors = [credentials.actor_of(user.id) for user in people]

    results = at_once(2, lambda n: accounts.delete_account(actors[n]))  # type: ignore[arg-type]

    assert sorted(map(str, results)) == ["None", "last_owner"]
    assert Membership.objects.filter(organization=org, role="owner").count() == 1
    assert User.objects.count() == 2


def test_two_owners_who_leave_the_organization_at_once_leave_one() -> None:
    org = factories.make_organization()
    people = [factories.make_user() for _ in range(2)]
    for user in people:
        factories.make_member(org, user, "owner")
    factories.make_member(org, factories.make_user(), "member")
    actors = [credentials.actor_of(user.id) for user in people]

    results = at_once(2, lambda n: members.leave_organization(actors[n], org.id))  # type: ignore[arg-type]

    assert sorted(map(str, results)) == ["None", "last_owner"]
    assert Membership.objects.filter(organization=org, role="owner").count() == 1
