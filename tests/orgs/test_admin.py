"""The Django admin: its door, what it never shows, repairs through services."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from activity.models import ActivityEvent, AuditEntry, EventDelivery
from missioncontrol.kernel.admin import ReadOnlyAdmin
from missioncontrol.kernel.secrets import seal
from orgs.models import ApiToken, Invite, User
from orgs.notices.models import NotificationChannel
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db
OWN = [m for m in admin.site._registry if m._meta.app_label in ("orgs", "activity")]


@pytest.fixture
def root(world: World) -> Client:
    """The browser of a super admin of organization A."""
    User.objects.filter(pk=world.ann.pk).update(is_super_admin=True)
    world.ann.refresh_from_db()
    browser = Client()
    browser.force_login(world.ann)
    return browser


def test_strangers_go_to_the_sign_in_page(db: None) -> None:
    answer = Client().get("/admin/", follow=False)
    assert answer.status_code == 302
    login = Client().get(answer["Location"])
    assert login["Location"] == "/sign-in?next=/admin/"


def test_an_ordinary_owner_is_refused(world: World) -> None:
    browser = Client()
    browser.force_login(world.eve)
    answer = browser.get("/admin/", follow=True)
    assert answer.status_code == 403


@pytest.mark.parametrize("model", OWN, ids=lambda m: m.__name__)
def test_every_list_opens_and_offers_no_change(root: Client, model: type) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"  # type: ignore[attr-defined]
    assert isinstance(admin.site._registry[model], ReadOnlyAdmin)
    assert root.get(reverse(f"{name}_changelist")).status_code == 200
    assert root.get(reverse(f"{name}_add")).status_code == 403


def test_rows_show_no_secret(root: Client, world: World) -> None:
    token = ApiToken.objects.get(user=world.bob)
    world.bob.set_password("a very long password")
    world.bob.save()
    for row in (token, world.bob):
        page = root.get(reverse(f"admin:orgs_{row._meta.model_name}_change", args=[row.pk]))
        assert page.status_code == 200
        for secret in (token.token_hash, world.bob.password, world.bob_token):
            assert secret not in page.content.decode()


def act(browser: Client, model: str, action: str, pk: object) -> None:
    address = reverse(f"admin:{model}_changelist")
    answer = browser.post(address, {"action": action, "_selected_action": [str(pk)]})
    assert answer.status_code == 302, answer.content[:500]


def test_revoking_a_token_goes_through_the_service(root: Client, world: World) -> None:
    token = ApiToken.objects.get(user=world.bob)
    act(root, "orgs_apitoken", "revoke", token.pk)
    world.as_bob.get("/users/me").expect(401)
    event = ActivityEvent.objects.get(type="token.revoked")
    assert event.organization_id == world.org.id
    assert AuditEntry.objects.filter(event_id=event.id).exists()


def test_closing_and_reopening_an_account(root: Client, world: World) -> None:
    act(root, "orgs_user", "close_accounts", world.bob.pk)
    world.as_bob.get("/users/me").expect(401)
    act(root, "orgs_user", "reopen_accounts", world.bob.pk)
    world.as_bob.get("/users/me").expect(200)


def test_nobody_closes_his_own_account(root: Client, world: World) -> None:
    act(root, "orgs_user", "close_accounts", world.ann.pk)
    world.ann.refresh_from_db()
    assert world.ann.is_active


def test_chains_are_verified_from_the_admin(root: Client, world: World) -> None:
    world.as_ann.post("/users/me/tokens", {"name": "audited"}).expect(200)
    act(root, "activity_audithead", "verify_chains", world.org.pk)
    page = root.get(reverse("admin:activity_audithead_changelist")).content.decode()
    assert "1 entries, none changed." in page


def test_a_parked_event_of_a_listener_that_is_gone_stays_parked(root: Client, world: World) -> None:
    world.as_ann.post("/users/me/tokens", {"name": "x"}).expect(200)
    parked = EventDelivery.objects.create(
        event=ActivityEvent.objects.get(), listener="gone.listener", status="failed"
    )
    act(root, "activity_eventdelivery", "try_again", parked.pk)
    parked.refresh_from_db()
    assert parked.status == "waiting"


def test_all_models_of_these_apps_are_shown() -> None:
    models = {
        *apps.get_app_config("orgs").get_models(),
        *apps.get_app_config("activity").get_models(),
    }
    assert {m.__name__ for m in models - set(OWN)} == {"EventStream"}


def test_invitations_and_channels_show_no_link_and_no_address(root: Client, world: World) -> None:
    invite = factories.make_invite(world.org, "gus@example.org", token="mci_shown-nowhere")
    channel = NotificationChannel.objects.create(
        user=world.bob, type="slack", name="c", address_sealed=seal("https://e.org/hush")
    )
    for row, sealed in ((invite, invite.token_sealed), (channel, channel.address_sealed)):
        page = root.get(reverse(f"admin:orgs_{row._meta.model_name}_change", args=[row.pk]))
        assert page.status_code == 200
        html = page.content.decode()
        assert sealed not in html
        assert invite.token_hash not in html
        assert "mci_shown" not in html


def test_invitations_are_revoked_once(root: Client, world: World) -> None:
    invite = factories.make_invite(world.org, "gus@example.org")
    old = factories.make_invite(world.org, "old@example.org", accepted_at=invite.created_at)
    root.post(
        reverse("admin:orgs_invite_changelist"),
        {"action": "revoke", "_selected_action": [str(invite.pk), str(old.pk)]},
    )
    assert list(Invite.objects.all()) == [old]
    assert ActivityEvent.objects.filter(type="invite.revoked").count() == 1
