// <mc-side data-base data-param>: detail beside its list, in the address as ?task=KEY.
//
// A link with data-mc-side="<path>" opens it; without script the same link loads the page with the
// panel in it. Escape closes, [ and ] go to the previous and next card, focus returns to the card.
import { refused } from "./toast.js";

const TYPING = "input, textarea, select, [contenteditable]";

class McSide extends HTMLElement {
  connectedCallback() {
    this.param = this.dataset.param || "task";
    document.addEventListener("click", (event) => this.click(event));
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("popstate", () => this.follow());
    this.addEventListener("htmx:before:request", (event) => this.hold(event));
    this.addEventListener("toggle", () => this.release(), true);
    this.mark();
  }

  get panel() {
    return this.querySelector(".mc-side");
  }

  get heading() {
    return this.panel?.querySelector("[data-mc-side-heading]");
  }

  get current() {
    return this.panel?.dataset.key ?? this.wanted;
  }

  get wanted() {
    return new URLSearchParams(location.search).get(this.param);
  }

  link(key) {
    return document.querySelector(`[data-mc-side-key="${CSS.escape(key)}"]`);
  }

  click(event) {
    const link = event.target.closest?.("[data-mc-side]");
    if (link && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      this.show(link);
    } else if (event.target.closest?.("[data-mc-side-close]")) {
      event.preventDefault();
      this.close();
    } else if (event.target.closest?.("[data-mc-side-step]")) {
      this.step(Number(event.target.closest("[data-mc-side-step]").dataset.mcSideStep));
    }
  }

  async show(link, { push = true } = {}) {
    const address = new URL(link.href, location.href);
    const loaded = await this.load(link.dataset.mcSide);
    if (!loaded) return;
    if (push) history.pushState({}, "", address);
    this.mark();
    this.heading?.focus({ preventScroll: true });
  }

  async load(path) {
    let response = null;
    try {
      response = await fetch(path, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    } catch {
      response = null;
    }
    if (!response?.ok) {
      await refused(response);
      return false;
    }
    this.innerHTML = await response.text();
    this.parentElement.classList.add("mc-withside");
    window.htmx.process(this);
    return true;
  }

  mark() {
    for (const card of document.querySelectorAll(".mc-card.is-open")) card.classList.remove("is-open");
    const key = this.current;
    if (key) this.link(key)?.classList.add("is-open");
    const task = this.panel?.dataset.task ?? null;
    document.dispatchEvent(new CustomEvent("mc:side", { detail: { task } }));
  }

  close({ push = true } = {}) {
    const key = this.current;
    const address = new URL(location.href);
    for (const name of [this.param, "taskId", "commentId"]) address.searchParams.delete(name);
    address.hash = "";
    if (push) history.pushState({}, "", address);
    this.innerHTML = "";
    this.parentElement.classList.remove("mc-withside");
    this.mark();
    if (key) this.link(key)?.focus({ preventScroll: true });
  }

  get choosing() {
    return this.panel?.querySelector(".mc-side-body details[open] form");
  }

  // What a person unfolded to choose in is not taken away by fresh facts; they come afterwards.
  hold(event) {
    if (!event.target.matches(".mc-side-body") || !this.choosing) return;
    event.preventDefault();
    this.held = true;
  }

  release() {
    if (!this.held || this.choosing) return;
    this.held = false;
    document.body.dispatchEvent(new CustomEvent("mc:board-task"));
  }

  step(by) {
    const links = [...document.querySelectorAll("[data-mc-side-key]")];
    const at = links.findIndex((link) => link.dataset.mcSideKey === this.current);
    const next = links[at + by];
    if (at >= 0 && next) this.show(next);
  }

  follow() {
    const key = this.wanted;
    if (!key) return this.close({ push: false });
    if (this.panel && [this.panel.dataset.key, this.panel.dataset.task].includes(key)) return;
    const link = this.link(key);
    if (link) this.show(link, { push: false });
    else location.reload();
  }

  key(event) {
    if (!this.panel || document.querySelector("dialog[open]") || event.defaultPrevented) return;
    const typing = event.target.matches?.(TYPING);
    if (event.key === "Escape" && typing) return this.heading?.focus({ preventScroll: true });
    if (event.key === "Escape" && !document.querySelector("[popover]:popover-open")) this.close();
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "[") this.step(-1);
    if (event.key === "]") this.step(1);
  }
}

customElements.define("mc-side", McSide);
