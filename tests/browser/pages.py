"""What a page must have wherever it is opened: one heading, named fields, room, contrast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Page

#: Narrowest phone, usual phone, desk.
WIDTHS = (360, 390, 1440)
LEAST_CONTRAST, LEAST_OF_LARGE = 4.5, 3.0

_SHAPE = """() => {
  const seen = (node) => node.checkVisibility({ visibilityProperty: true });
  const named = (field) => field.labels?.length || field.getAttribute("aria-label")
    || field.getAttribute("aria-labelledby");
  const fields = [...document.querySelectorAll("input:not([type=hidden]), select, textarea")];
  const buttons = [...document.querySelectorAll("button, a[href]")].filter(seen);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  return {
    headings: document.querySelectorAll("h1").length,
    title: document.title,
    unnamed: [
      ...fields.filter((field) => !named(field)).map((field) => field.outerHTML.slice(0, 120)),
      ...buttons.filter((one) => !one.textContent.trim() && !one.getAttribute("aria-label"))
        .map((one) => one.outerHTML.slice(0, 120)),
    ],
    twice: ids.filter((id, at) => ids.indexOf(id) !== at),
    words: ["None", "undefined", "NaN", "[object Object]", "{{", "{%"].filter(
      (word) => new RegExp(`(^|[\\\\s(])${word.replace(/[[\\]{}%]/g, "\\\\$&")}($|[\\\\s).,])`)
        .test(document.querySelector("main").innerText)),
  };
}"""

_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth <= width) return "";
  const scrolls = (node) => {
    for (let up = node.parentElement; up; up = up.parentElement)
      if (/(auto|scroll|hidden|clip)/.test(getComputedStyle(up).overflowX)) return true;
    return false;
  };
  const out = [...document.body.querySelectorAll("*")].filter(
    (node) => node.getBoundingClientRect().right > width + 1 && !scrolls(node));
  const named = out.slice(0, 3).map((node) => node.outerHTML.slice(0, 160));
  return `${document.scrollingElement.scrollWidth} > ${width}: ${named}`;
}"""

_PALE = """([least, leastOfLarge]) => {
  // A theme that was just chosen fades in, from parents to children.
  const fading = () => document.getAnimations().filter((one) => one instanceof CSSTransition);
  for (let found = fading(); found.length; found = fading()) found.forEach((one) => one.finish());
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const read = (colour) => {
    if (!known.has(colour)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((one, at) => one * a + under[at] * (1 - a));
  const grounds = new Map();
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    if (!grounds.has(node)) {
      const layer = read(getComputedStyle(node).backgroundColor);
      grounds.set(node, layer[3] === 1 ? layer : over(layer, ground(node.parentElement)));
    }
    return grounds.get(node);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pale = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const words = walker.currentNode.data.trim().slice(0, 40);
    if (!words || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest(".mc-sr, .mc-skip, svg, [disabled], option, template, script")) continue;
    const style = getComputedStyle(node);
    const back = ground(node);
    const [one, two] = [light(over(read(style.color), back)), light(back)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24;
    if (ratio < (isLarge ? leastOfLarge : least))
      pale.push(`${ratio.toFixed(2)} ${node.className}: ${words}`);
  }
  return [...new Set(pale)].slice(0, 5);
}"""


def shape_of(page: Page) -> dict[str, Any]:
    """Heading, title, fields and buttons without a name, ids used twice, machine words."""
    return dict(page.evaluate(_SHAPE))


def too_wide(page: Page) -> str:
    """What sticks out of the window; empty when nothing does."""
    return str(page.evaluate(_WIDE))


def too_pale(page: Page) -> list[str]:
    """Texts that cannot be told from their ground."""
    return list(page.evaluate(_PALE, [LEAST_CONTRAST, LEAST_OF_LARGE]))


def faults_of(page: Page) -> list[str]:
    """Everything that is wrong with the open page, at every width and in both themes."""
    shape = shape_of(page)
    faults = [
        f"{shape['headings']} headings" if shape["headings"] != 1 else "",
        "no title" if not shape["title"].removesuffix(" · Mission Control").strip() else "",
        *(f"no name: {one}" for one in shape["unnamed"]),
        *(f"id twice: {one}" for one in shape["twice"]),
        *(f"machine's word: {one}" for one in shape["words"]),
    ]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 400})
        wide = too_wide(page)
        faults.append(f"at {width}: {wide}" if wide else "")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        faults += [f"{theme}: {one}" for one in too_pale(page)]
    return [fault for fault in faults if fault]


def faults_at(page: Page, addresses: Iterable[str]) -> list[str]:
    """Faults of every page that is to be there, each with its address."""
    faults = []
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        if answer.status != 200:
            faults.append(f"{address}: {answer.status}")
        faults += [f"{address}: {fault}" for fault in faults_of(page)]
    return faults
