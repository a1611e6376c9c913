"""Every credential ends in the same actor, with one query."""

from __future__ import annotations

import hmac
import inspect
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as DjangoClient
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from missioncontrol.kernel import credentials, secrets
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Forbidden
from orgs import credentials as own
from orgs.models import ApiToken, Membership, Organization, User
from tests import factories
from tests.clients import Client, operator
from tests.world import World

pytestmark = pytest.mark.django_db


def resolve(token: str, organization_id: object = None) -> UserActor | None:
    actor = credentials.from_bearer(token, organization_id)  # type: ignore[arg-type]
    assert actor is None or isinstance(actor, UserActor)
    return actor


def test_first_use_of_the_local_token_makes_the_operator_and_his_organization() -> None:
    actor = resolve(settings.LOCAL_AUTH_TOKEN)

    user = User.objects.get()
    assert actor is not None
    assert (user.clerk_user_id, user.email, user.name) == (
        "local-auth-user",
        "admin@home.local",
        "Local User",
    )
    assert user.is_super_admin
    membership = Membership.objects.get()
    assert (membership.role, membership.all_boards_read, membership.all_boards_write) == (
        "owner",
        True,
        True,
    )
    assert Organization.objects.get().name == "Personal"
    assert actor.organization_id == membership.organization_id
    assert actor.is_admin_in(membership.organization_id)


def test_every_later_use_costs_one_query(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    resolve(settings.LOCAL_AUTH_TOKEN)
    resolve(world.bob_token)
    with django_assert_num_queries(1):
        resolve(settings.LOCAL_AUTH_TOKEN)
    with django_assert_num_queries(1):
        resolve(world.bob_token)
    with django_assert_num_queries(1):
        credentials.from_session(world.bob.id, None)


def test_missing_address_and_name_of_the_operator_are_filled_in_again() -> None:
    resolve(settings.LOCAL_AUTH_TOKEN)
    User.objects.update(email=None, name="")

    resolve(settings.LOCAL_AUTH_TOKEN)

    user = User.objects.get()
    assert (user.email, user.name) == ("admin@home.local", "Local User")


@pytest.mark.scenario("CORE-4")
@pytest.mark.parametrize(
    "token",
    [
        pytest.param(settings.LOCAL_AUTH_TOKEN[:-1] + "!", id="last character"),
        pytest.param("!" + settings.LOCAL_AUTH_TOKEN[1:], id="first character"),
        pytest.param(settings.LOCAL_AUTH_TOKEN + "x", id="longer"),
        pytest.param(settings.LOCAL_AUTH_TOKEN.upper(), id="other case"),
        pytest.param("ü" * 60, id="not ascii"),
    ],
)
def test_nearly_the_right_token_proves_nothing(token: str) -> None:
    assert resolve(token) is None
    assert not User.objects.exists()


@pytest.mark.scenario("CORE-4")
def test_the_installations_token_is_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first wrong letter stands makes no difference: one comparison of all of it."""
    compared: list[tuple[str, str]] = []

    def watch(left: str, right: str) -> bool:
        compared.append((left, right))
        return hmac.compare_digest(left.encode(), right.encode())

    monkeypatch.setattr(own, "same", watch)
    right = settings.LOCAL_AUTH_TOKEN
    wrong = ["!" + right[1:], right[:-1] + "!"]
    for token in wrong:
        Client(bearer=token).get("/users/me").expect(401)
    assert compared == [(token, right) for token in wrong]
    assert "compare_digest" in inspect.getsource(secrets.same)


def test_local_token_is_refused_when_that_mode_is_off(settings: object) -> None:
    settings.AUTH_MODES = ("password",)  # type: ignore[attr-defined]
    operator().get("/users/me").expect(401)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"revoked_at": timezone.now()}, id="revoked"),
        pytest.param({"expires_at": timezone.now() - timedelta(seconds=1)}, id="expired"),
    ],
)
def test_revoked_and_expired_tokens_prove_nothing(world: World, fields: dict[str, object]) -> None:
    token = factories.make_token(world.ann)
    assert resolve(token) is not None
    ApiToken.objects.filter(user=world.ann).update(**fields)
    assert resolve(token) is None


def test_token_of_an_inactive_person_proves_nothing(world: World) -> None:
    User.objects.filter(pk=world.ann.pk).update(is_active=False)
    assert resolve(world.ann_token) is None
    assert credentials.from_session(world.ann.id, None) is None


def test_use_is_noted_at_most_once_a_minute(world: World) -> None:
    resolve(world.ann_token)
    first = ApiToken.objects.get(user=world.ann).last_used_at
    resolve(world.ann_token)
    assert first is not None
    assert ApiToken.objects.get(user=world.ann).last_used_at == first
    ApiToken.objects.filter(user=world.ann).update(last_used_at=first - timedelta(seconds=61))
    resolve(world.ann_token)
    assert ApiToken.objects.get(user=world.ann).last_used_at > first


def test_active_organization_is_the_named_then_the_chosen_then_the_oldest(world: World) -> None:
    second = factories.make_organization("Second")
    factories.make_member(second, world.bob)

    oldest = resolve(world.bob_token)
    User.objects.filter(pk=world.bob.pk).update(active_organization=second)
    chosen = resolve(world.bob_token)
    named = resolve(world.bob_token, world.org.id)

    assert oldest is not None
    assert chosen is not None
    assert named is not None
    assert oldest.organization_id == world.org.id
    assert chosen.organization_id == second.id
    assert named.organization_id == world.org.id


def test_naming_a_foreign_organization_is_refused(world: World) -> None:
    with pytest.raises(Forbidden):
        resolve(world.bob_token, world.other_org.id)


def test_a_changed_password_ends_the_other_sessions(world: World) -> None:
    world.ann.set_password("a long first password")
    world.ann.save()
    browser = DjangoClient()
    browser.force_login(world.ann)
    assert browser.get("/api/v1/users/me").status_code == 200
    world.ann.set_password("a long second password")
    world.ann.save()
    assert browser.get("/api/v1/users/me").status_code == 401
