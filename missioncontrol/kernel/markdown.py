"""Markdown of users and agents, turned into HTML that is safe to show.

Two guards, one after the other: the parser knows no raw HTML and links only three schemes; the
sanitiser then lets only the listed elements and attributes through, whatever the parser did.
Images are shown as links, so that reading a page calls no foreign host.
"""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

SCHEMES = {"http", "https", "mailto"}
ALLOWED_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "pre": {"tabindex"}}
LINK_REL = "noopener nofollow"
DEEPEST_HEADING = 6
MOST_CHARACTERS = 100_000


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.disable("image")
    return parser


_PARSER = _parser()


def render_markdown(text: str | None) -> SafeString:
    """HTML of a Markdown text; anything executable in it is shown as text or dropped."""
    if not text or not text.strip():
        return mark_safe("")
    tokens = _PARSER.parse(text[:MOST_CHARACTERS])
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            # A page has its own h1 and h2: headings of a text begin below them.
            token.tag = f"h{min(int(token.tag[1]) + 2, DEEPEST_HEADING)}"
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(
        html.replace("<pre>", '<pre tabindex="0">'),
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=LINK_REL,
        strip_comments=True,
    )
    return mark_safe(clean)  # noqa: S308 - the sanitiser's output
