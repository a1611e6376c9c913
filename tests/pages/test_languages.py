"""Pages speak the language that a person chose; without a choice that of his browser."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.models import User
from tests.clients import Client as ApiClient
from tests.pages.conftest import browser
from tests.world import World

CHINESE = {"HTTP_ACCEPT_LANGUAGE": "zh-hans"}
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
#: Address and words that stand on that page only in Chinese.
PAGES = [
    ("/dashboard", ("仪表盘", "吞吐量")),
    ("/boards", ("看板", "新建看板")),
    ("/approvals", ("审批", "没有等待决定的事项")),
    ("/agents", ("智能体", "心跳")),
    ("/activity", ("动态", "筛选")),
    ("/settings", ("外观", "访问令牌")),
]


def speaks(user: User, language: str) -> Client:
    """Browser of a person who chose that language."""
    User.objects.filter(pk=user.pk).update(language=language)
    return browser(user)


@pytest.mark.parametrize("wanted", ["zh-hans", "zh-CN,zh;q=0.9,en;q=0.8"])
def test_a_stranger_is_answered_in_his_browsers_language(db: None, wanted: str) -> None:
    html = Client().get("/sign-in", HTTP_ACCEPT_LANGUAGE=wanted).content.decode()
    assert '<html lang="zh-Hans"' in html
    assert "<h1>登录</h1>" in html
    plain = Client().get("/sign-in").content.decode()
    assert '<html lang="en"' in plain
    assert "<h1>Sign in</h1>" in plain


@pytest.mark.parametrize(("address", "words"), PAGES)
def test_pages_in_chinese_by_browser_and_by_choice(
    world: World, address: str, words: tuple[str, ...]
) -> None:
    by_browser = speaks(world.ann, "").get(address, **CHINESE).content.decode()
    by_choice = speaks(world.ann, "zh-hans").get(address, **ENGLISH).content.decode()
    for html in (by_browser, by_choice):
        assert '<html lang="zh-Hans"' in html
        assert [word for word in words if word not in html] == []


def test_english_by_choice_wins_over_browser_and_cookie(world: World) -> None:
    client = speaks(world.ann, "en")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    answer = client.get("/boards", **CHINESE)
    assert answer["Content-Language"] == "en"
    assert '<html lang="en"' in answer.content.decode()
    assert "看板" not in answer.content.decode()


def test_a_choice_made_elsewhere_holds_from_the_next_request(world: World, ann: Client) -> None:
    assert '<html lang="en"' in ann.get("/boards").content.decode()
    world.as_ann.patch("/users/me", {"language": "zh-hans"}).expect(200)
    assert '<html lang="zh-Hans"' in ann.get("/boards").content.decode()
    world.as_ann.patch("/users/me", {"language": ""}).expect(200)
    assert '<html lang="en"' in ann.get("/boards").content.decode()


def test_one_persons_language_does_not_reach_the_next(world: World, bob: Client) -> None:
    speaks(world.ann, "zh-hans").get("/boards")
    assert '<html lang="en"' in bob.get("/boards").content.decode()
    assert '<html lang="en"' in Client().get("/sign-in").content.decode()


def test_the_choice_costs_no_query(world: World) -> None:
    counts = []
    for language in ("", "zh-hans"):
        client = speaks(world.ann, language)
        client.get("/boards")
        with CaptureQueriesContext(connection) as queries:
            client.get("/boards")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_fragments_refusals_and_faults_speak_it_too(world: World) -> None:
    client = speaks(world.ann, "zh-hans")
    lost = client.get("/no-such-page")
    assert lost.status_code == 404
    assert "<h1>未找到</h1>" in lost.content.decode()
    foreign = f"/boards/{world.other_board.id}"
    refused = client.get(foreign, HTTP_HX_REQUEST="true")
    assert refused.status_code == 404
    assert "未找到" in refused.content.decode()


def test_programs_are_answered_in_english_unless_they_ask(world: World) -> None:
    User.objects.filter(pk=world.ann.pk).update(language="zh-hans")
    plain = world.as_ann.get(f"/boards/{world.other_board.id}").expect(404)
    assert plain.json["title"] == "Not found"
    asking = ApiClient(bearer=world.ann_token, headers={"Accept-Language": "zh-CN"})
    assert asking.get(f"/boards/{world.other_board.id}").expect(404).json["title"] == "未找到"


def test_a_browsers_own_calls_speak_the_pages_language(world: World) -> None:
    client = speaks(world.ann, "zh-hans")
    refused = client.get(f"/api/v1/boards/{world.other_board.id}")
    assert (refused.status_code, refused.json()["title"]) == (404, "未找到")


def test_the_admin_speaks_it(world: World) -> None:
    User.objects.filter(pk=world.ann.pk).update(is_super_admin=True)
    answer = speaks(world.ann, "zh-hans").get("/admin/", **ENGLISH)
    assert (answer.status_code, answer["Content-Language"]) == (200, "zh-hans")


def test_the_sign_in_page_offers_both(db: None) -> None:
    client = Client()
    chosen = client.get("/sign-in?language=zh-hans")
    assert "<h1>登录</h1>" in chosen.content.decode()
    assert '<html lang="zh-Hans"' in chosen.content.decode()
    assert "<h1>登录</h1>" in client.get("/sign-in").content.decode()
    assert "<h1>Sign in</h1>" in client.get("/sign-in?language=en", **CHINESE).content.decode()


@pytest.mark.parametrize("way", ["/sign-out", "/api/v1/auth/logout", "/admin/logout/"])
def test_signing_out_takes_the_language_along(world: World, way: str) -> None:
    User.objects.filter(pk=world.ann.pk).update(is_super_admin=True)
    client = speaks(world.ann, "")
    client.post("/settings/appearance", {"language": "zh-hans", "next": "/boards"})
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    assert client.post(way).status_code in (200, 302)
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == ""
    assert "<h1>Sign in</h1>" in client.get("/sign-in").content.decode()


def test_a_session_that_ran_out_does_too(world: World) -> None:
    client = speaks(world.ann, "zh-hans")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    client.get("/boards")
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    Session.objects.all().delete()
    assert client.get("/boards").status_code == 302
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == ""


def test_a_language_chosen_before_signing_in_stays(world: World) -> None:
    client = Client()
    client.get("/sign-in?language=zh-hans")
    client.get("/sign-in")
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
