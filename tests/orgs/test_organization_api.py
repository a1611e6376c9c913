"""Organizations over the API: who may, what is stored, what is recorded."""

from __future__ import annotations

import uuid

import pytest
from django.apps import apps

from activity import tally
from activity.audit import verify
from activity.models import ActivityEvent, AuditEntry, EventStream
from agents.models import Onboarding, Skill, SkillInstall, SkillPack
from orgs.models import Organization, User
from tests import factories
from tests.clients import operator, stranger
from tests.world import World

pytestmark = pytest.mark.django_db


def types_of(organization: Organization) -> list[str]:
    rows = ActivityEvent.objects.filter(organization_id=organization.id).order_by("seq")
    return list(rows.values_list("type", flat=True))


def test_the_guides_first_calls_work_with_the_installations_token() -> None:
    created = operator().post(
        "/api/organizations", {"name": "My Company", "description": "Engineering"}
    )
    created.expect(200)
    assert (created.json["name"], created.json["description"]) == ("My Company", "Engineering")
    assert created.headers["Location"].endswith(created.json["id"])
    listed = operator().get("/api/organizations").expect(200)
    assert [(o["name"], o["role"], o["is_active"]) for o in listed.items] == [
        ("My Company", "owner", True),
        ("Personal", "owner", False),
    ]
    assert (listed.json["total"], listed.json["limit"], listed.json["offset"]) == (2, 200, 0)
    assert types_of(Organization.objects.get(name="My Company")) == ["organization.created"]


@pytest.mark.parametrize("path", ["/organizations", "/organizations/me/list"])
def test_organizations_stand_by_name_whatever_their_letters(world: World, path: str) -> None:
    for name in ("beta", "Gamma", "ALPHA"):
        world.as_ann.post("/organizations", {"name": name}).expect(200)
    answer = world.as_ann.get(path).expect(200).json
    listed = answer["items"] if isinstance(answer, dict) else answer
    assert [row["name"] for row in listed] == ["Acme", "ALPHA", "beta", "Gamma"]


@pytest.mark.parametrize("path", ["/organizations", "/users/me", "/organizations/me/members"])
def test_without_a_credential_there_is_nothing(path: str) -> None:
    stranger().get(path).expect(401)


@pytest.mark.scenario("CORE-12")
@pytest.mark.parametrize("name", ["engineering team", "Engineering Team", " ENGINEERING TEAM "])
def test_a_name_is_taken_whatever_its_letters(world: World, name: str) -> None:
    world.as_ann.post("/organizations", {"name": "Engineering Team"}).expect(200)
    refused = world.as_eve.post("/organizations", {"name": name}).expect(409)
    assert refused.code == "name_taken"
    assert Organization.objects.filter(name__iexact="engineering team").count() == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param({"name": "  "}, "string_too_short", id="blank"),
        pytest.param({"name": "x" * 201}, "string_too_long", id="long"),
        pytest.param({}, "missing", id="absent"),
        pytest.param({"name": "X", "owner": "me"}, "unknown_field", id="unknown field"),
    ],
)
def test_a_wrong_body_is_refused_with_the_field(world: World, body: object, kind: str) -> None:
    refused = world.as_ann.post("/organizations", body).expect(422)
    assert [e["type"] for e in refused.json["errors"]] == [kind]


@pytest.mark.parametrize(("who", "status"), [("ann", 200), ("bob", 403), ("eve", 404)])
def test_changing_needs_an_administrator(world: World, who: str, status: int) -> None:
    client = getattr(world, f"as_{who}")
    client.patch(f"/organizations/{world.org.id}", {"description": "New"}).expect(status)
    world.org.refresh_from_db()
    assert world.org.description == ("New" if status == 200 else None)
    assert types_of(world.org) == (["organization.updated"] if status == 200 else [])


def test_a_patch_that_changes_nothing_records_nothing(world: World) -> None:
    world.as_ann.patch(f"/organizations/{world.org.id}", {"name": "Acme"}).expect(200)
    assert types_of(world.org) == []


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_name_cannot_be_cleared(world: World, value: object) -> None:
    world.as_ann.patch(f"/organizations/{world.org.id}", {"name": value}).expect(422)


def test_renaming_to_a_taken_name_is_a_conflict(world: World) -> None:
    refused = world.as_ann.patch(f"/organizations/{world.org.id}", {"name": "other"}).expect(409)
    assert refused.code == "name_taken"


@pytest.mark.scenario("CORE-25")
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_foreign_organization_answers_like_an_unknown_one(world: World, method: str) -> None:
    def call(pk: object) -> dict[str, object]:
        body = {} if method == "get" else {"body": {"name": "Mine"}} if method == "patch" else {}
        answer = getattr(world.as_eve, method)(f"/organizations/{pk}", **body).expect(404)
        return {k: v for k, v in answer.json.items() if k != "request_id"}

    assert call(world.org.id) == call(uuid.uuid4())
    world.org.refresh_from_db()
    assert world.org.name == "Acme"


@pytest.mark.scenario("CORE-25")
@pytest.mark.parametrize("kind", ["foreign", "unknown"])
def test_a_foreign_organization_cannot_become_active(world: World, kind: str) -> None:
    wanted = world.org.id if kind == "foreign" else uuid.uuid4()
    refused = world.as_eve.patch(
        "/organizations/me/active", {"organization_id": str(wanted)}
    ).expect(403)
    assert refused.json["detail"] == "No org access"


def test_the_active_organization_scopes_me(world: World) -> None:
    second = factories.make_organization("Second")
    factories.make_member(second, world.bob)
    assert world.as_bob.get("/organizations/me").expect(200).json["name"] == "Acme"

    world.as_bob.patch("/organizations/me/active", {"organization_id": str(second.id)}).expect(200)

    assert world.as_bob.get("/organizations/me").expect(200).json["name"] == "Second"
    named = {"X-Organization-Id": str(world.org.id)}
    assert world.as_bob.get("/organizations/me", headers=named).json["name"] == "Acme"
    listed = world.as_bob.get("/organizations/me/list").expect(200).json
    assert [(o["name"], o["role"], o["is_active"]) for o in listed] == [
        ("Acme", "member", False),
        ("Second", "member", True),
    ]


def test_who_belongs_nowhere_has_no_organization_but_a_profile(db: None) -> None:
    user = factories.make_user("lone")
    client = operator()
    client.bearer = factories.make_token(user)
    client.get("/organizations/me").expect(403)
    client.get("/users/me").expect(200)
    assert client.post("/auth/bootstrap").expect(200).json["active_organization_id"]
    assert client.get("/organizations/me").expect(200).json["name"] == "Personal"


@pytest.mark.parametrize(
    ("who", "status"),
    [("bob", 403), ("eve", 404)],
)
def test_deleting_is_for_owners(world: World, who: str, status: int) -> None:
    getattr(world, f"as_{who}").delete(f"/organizations/{world.org.id}").expect(status)
    assert Organization.objects.filter(pk=world.org.id).exists()


def test_refusal_to_delete_names_the_owners(world: World) -> None:
    refused = world.as_bob.delete("/organizations/me").expect(403)
    assert refused.json["detail"] == "Only organization owners can delete organizations"


@pytest.mark.scenario("CORE-24")
def test_deleting_takes_everything_but_the_audit_chain(world: World) -> None:
    task = factories.make_task(world.board)
    factories.make_comment(task)
    factories.make_approval(world.org, world.board)
    factories.make_group(world.org)
    factories.make_agent(world.org, "MA", gateway=world.gateway, agent_type="main")
    User.objects.update(active_organization=world.org)
    world.as_ann.patch(f"/organizations/{world.org.id}", {"name": "Renamed"}).expect(200)
    factories.make_tag(world.org)
    factories.make_field(world.board)
    fill(world)
    tally.advance_all()
    kinds = set(_rows_of(world.org.id))
    assert kinds >= {
        "Agent", "Approval", "Board", "BoardGroup", "BoardMemory", "BoardWebhook", "CustomField",
        "Execution", "Gateway", "GroupMemory", "Invite", "Membership", "Onboarding", "Skill",
        "SkillInstall", "SkillPack", "Tag", "Task", "WebhookPayload",
    }  # fmt: skip
    others = _rows_of(world.other_org.id)
    audited = AuditEntry.objects.filter(organization_id=world.org.id).count()

    world.as_ann.delete("/organizations/me").expect(200)

    assert _rows_of(world.org.id) == {}
    assert not ActivityEvent.objects.filter(organization_id=world.org.id).exists()
    assert not EventStream.objects.filter(pk__in=[world.org.id, world.board.id]).exists()
    assert AuditEntry.objects.filter(organization_id=world.org.id).count() == audited + 1
    assert verify(world.org.id).holds
    assert not User.objects.filter(active_organization__isnull=False).exists()
    assert apps.get_model("boards", "Board").objects.filter(pk=world.other_board.pk).exists()
    assert _rows_of(world.other_org.id) == others
    for name in ("TaskComment", "TaskDependency", "TaskAlias", "BoardUserObjectPermission"):
        assert not apps.get_model("boards", name).objects.exists(), name
    world.as_ann.get(f"/organizations/{world.org.id}").expect(404)


def fill(world: World) -> None:
    """What else an organization can hold, by the API where it needs no gateway."""
    ann, board = world.as_ann, f"/boards/{world.board.pk}"
    group = ann.post("/board-groups", {"name": "G"}).expect(200).json["id"]
    ann.patch(board, {"board_group_id": group, "key": "NEW"}).expect(200)
    ann.post(f"{board}/memory", {"content": "note"}).expect(200)
    ann.post(f"{board}/group-memory", {"content": "note"}).expect(200)
    hook = ann.post(f"{board}/webhooks", {"description": "d"}).expect(200).json
    stranger().post(f"{board}/webhooks/{hook['id']}", {"a": 1}).expect(202)
    first, second = (ann.post(f"{board}/tasks", {"title": t}).expect(200).json for t in "ab")
    ann.patch(f"/tasks/{second['id']}", {"depends_on_task_ids": [first["id"]]}).expect(200)
    ann.post(f"/tasks/{first['id']}/move", {"board_id": str(world.second_board.pk)}).expect(200)
    ann.post(f"/tasks/{second['id']}/execute").expect(202)
    ann.post("/organizations/me/invites", {"invited_email": "g@e.org"}).expect(200)
    pack = SkillPack.objects.create(organization=world.org, name="p", source_url="https://e.org/p")
    skill = Skill.objects.create(
        organization=world.org, pack=pack, name="s", source_url="https://e.org/s"
    )
    SkillInstall.objects.create(organization=world.org, skill=skill, gateway=world.gateway)
    Onboarding.objects.create(organization=world.org, board=world.board, session_key="k")


def _rows_of(organization_id: uuid.UUID) -> dict[str, int]:
    """How many rows of each table still name the organization, the audit chain aside."""
    kept = {"AuditEntry", "AuditHead"}
    found = {}
    for model in apps.get_models():
        names = {f.attname for f in model._meta.concrete_fields}
        if "organization_id" in names and model.__name__ not in kept:
            count = model._default_manager.filter(organization_id=organization_id).count()
            if count:
                found[model.__name__] = count
    return found


def test_lists_answer_as_bare_arrays_on_request(world: World) -> None:
    answer = world.as_ann.get(
        "/organizations", headers={"Accept": "application/vnd.mc.array+json"}
    ).expect(200)
    assert [o["name"] for o in answer.json] == ["Acme"]
    assert answer.headers["X-Total-Count"] == "1"


@pytest.mark.scenario("CORE-87")
@pytest.mark.parametrize("query", ["limit=0", "limit=201", "offset=-1", "limit=x"])
@pytest.mark.parametrize(
    "path", ["/organizations", "/organizations/me/members", "/users/me/tokens"]
)
def test_limits_outside_the_range_are_refused(world: World, path: str, query: str) -> None:
    world.as_ann.get(f"{path}?{query}").expect(422)


@pytest.mark.scenario("CORE-86")
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("req-1.2_A", True, id="valid"),
        pytest.param("x" * 128, True, id="longest"),
        pytest.param("x" * 5000, False, id="too long"),
        pytest.param("a\\r\\nSet-Cookie:x", False, id="odd characters"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_request_id_is_kept_only_if_harmless(world: World, given: str, kept: bool) -> None:
    refused = world.as_bob.patch(
        f"/organizations/{world.org.id}", {"name": "X"}, headers={"X-Request-Id": given}
    ).expect(403)
    sent = refused.headers["X-Request-Id"]
    assert (sent == given) is kept
    assert kept or (len(sent) == 32 and set(sent) <= set("0123456789abcdef"))
    assert refused.json["request_id"] == sent
    assert "Set-Cookie" not in refused.headers


def test_the_same_idempotency_key_creates_one_organization(world: World) -> None:
    key = {"Idempotency-Key": "once"}
    first = world.as_ann.post("/organizations", {"name": "Once"}, headers=key).expect(200)
    again = world.as_ann.post("/organizations", {"name": "Once"}, headers=key).expect(200)
    other = world.as_ann.post("/organizations", {"name": "Twice"}, headers=key).expect(409)
    assert first.json["id"] == again.json["id"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert other.code == "idempotency_mismatch"
    assert Organization.objects.filter(name__in=["Once", "Twice"]).count() == 1
