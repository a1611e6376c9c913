"""What a text of users or agents may become on a page."""

import re

import pytest

from missioncontrol.kernel.markdown import render_markdown

ATTACKS = {
    "image with handler": "<img src=x onerror=alert(1)>",
    "script link": "[x](javascript:alert(1))",
    "script link with entity": "[x](java&#115;cript:alert(1))",
    "script link in brackets": "<javascript:alert(1)>",
    "data link": "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "file link": "[x](file:///etc/passwd)",
    "reference link": "[x][1]\n\n[1]: javascript:alert(1)",
    "script element": "<script>alert(1)</script>",
    "split script element": "<scr<script>ipt>alert(1)</script>",
    "frame": "<iframe src=https://evil.example></iframe>",
    "style": "<p style=position:fixed onclick=alert(1)>x</p>",
    "link title": '[x](https://a.example "\\" onmouseover=alert(1) ")',
    "code fence language": '```"><script>alert(1)</script>\nx\n```',
    "vector image": "<svg onload=alert(1)></svg>",
}


@pytest.mark.scenario("CORE-54")
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_nothing_executable_survives(text: str) -> None:
    html = render_markdown(text)
    elements = re.findall(r"<\s*([a-z0-9]+)([^>]*)>", html, re.IGNORECASE)
    assert {name for name, _ in elements} <= {"p", "a", "pre", "code", "br"}
    for name, attributes in elements:
        found = set(re.findall(r"([\w-]+)\s*=\s*\"", attributes))
        allowed = {"a": {"href", "title", "rel"}, "pre": {"tabindex"}}.get(name, set())
        assert found <= allowed
        for address in re.findall(r'href="([^"]*)"', attributes):
            assert address.split(":", 1)[0] in {"http", "https", "mailto"}


@pytest.mark.parametrize("address", ["https://a.example/b?c=1", "http://a.example", "mailto:a@b.c"])
def test_links_open_without_power_over_us(address: str) -> None:
    html = render_markdown(f"[x]({address})")
    assert f'href="{address}"' in html
    assert 'rel="noopener nofollow"' in html


def test_images_load_nothing() -> None:
    html = render_markdown("![pixel](https://tracker.example/p.png)")
    assert "<img" not in html


def test_headings_begin_below_those_of_the_page() -> None:
    html = render_markdown("# One\n\n##### Five")
    assert "<h3>One</h3>" in html
    assert "<h6>Five</h6>" in html


def test_common_marks_are_drawn() -> None:
    html = render_markdown("**b** *i* `c` ~~s~~\n\n- a\n\n| x |\n| - |\n| 1 |\n\n```\ncode\n```")
    for piece in ("<strong>b</strong>", "<em>i</em>", "<code>c</code>", "<li>a</li>", "<td>1</td>"):
        assert piece in html
    assert '<pre tabindex="0">' in html


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_no_text_is_no_html(text: str | None) -> None:
    assert render_markdown(text) == ""
