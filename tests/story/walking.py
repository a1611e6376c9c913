"""Every page that a link leads to, each kind once."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Z]{2,5}-\d+")
ELSEWHERE = ("/admin", "/api", "/docs", "/openapi", "/django-rq", "/static", "/metrics")


def shape(address: str) -> str:
    """Addresses that differ only in ids are one page."""
    parts = urlsplit(address)
    query = ",".join(sorted(parse_qs(parts.query)))
    return ID.sub("*", parts.path) + ("?" + query if query else "")


def links(page: Page) -> list[str]:
    """Addresses on the page that stay inside the product."""
    found = page.eval_on_selector_all("a[href]", "all => all.map((a) => a.href)")
    origin = urlsplit(page.url).netloc
    inside = (urlsplit(one) for one in found)
    kept = [p for p in inside if p.netloc == origin and not p.path.startswith(ELSEWHERE)]
    return [p.path + ("?" + p.query if p.query else "") for p in kept]


def walk(page: Page, *begin: str) -> Iterator[str]:
    """Every kind of page, once; the page is open when its address is given out."""
    waiting, seen = deque(begin), set()
    while waiting:
        address = waiting.popleft()
        if shape(address) in seen:
            continue
        seen.add(shape(address))
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        yield address
        waiting.extend(links(page))
