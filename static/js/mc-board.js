// <mc-board data-base data-csrf>: cards move by pointer or keyboard, and follow the board's socket.
//
// A move shows at once, is sent with the version seen, and is taken back when a rule refuses it.
import { refused } from "./toast.js";
import { Frames } from "./board-frames.js";
import { Lift } from "./board-lift.js";

class McBoard extends HTMLElement {
  connectedCallback() {
    this.base = this.dataset.base;
    this.frames = new Frames(this, document.querySelector("mc-socket[data-flat]"));
    this.lift = new Lift(this);
    this.addEventListener("click", (event) => this.justDropped && this.swallow(event), true);
    if (this.dataset.writable !== undefined) this.makeSortable();
  }

  async makeSortable() {
    await import("../vendor/sortablejs/1.15.7/Sortable.min.js");
    this.sortables?.forEach((sortable) => sortable.destroy());
    this.sortables = [...this.querySelectorAll("[data-cards]")].map((list) =>
      window.Sortable.create(list, {
        group: "board",
        draggable: ".mc-card",
        animation: 120,
        forceFallback: true,
        fallbackOnBody: true,
        fallbackTolerance: 4,
        delay: 180,
        delayOnTouchOnly: true,
        ghostClass: "mc-card-ghost",
        dragClass: "is-lifted",
        onStart: ({ item }) => (this.origin = this.place(item)),
        onMove: ({ to }) => this.target(to.closest(".mc-col")),
        onEnd: ({ item }) => {
          this.target(null);
          this.justDropped = true;
          setTimeout(() => (this.justDropped = false), 50);
          this.commit(item, this.origin);
        },
      }),
    );
  }

  swallow(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  target(column) {
    for (const other of this.querySelectorAll(".is-target")) other.classList.remove("is-target");
    column?.classList.add("is-target");
  }

  place(card) {
    return { list: card.parentElement, next: card.nextElementSibling };
  }

  column(list) {
    return list.closest(".mc-col");
  }

  /** Sends a card's new place; puts it back to `origin` when the server refuses. */
  async commit(card, origin) {
    const to = this.place(card);
    if (to.list === origin.list && to.next === origin.next) return;
    this.recount(origin.list, to.list);
    card.classList.add("is-sync");
    card.setAttribute("aria-busy", "true");
    const body = new URLSearchParams({
      status: this.column(to.list).dataset.status,
      version: card.dataset.version,
      after_id: card.previousElementSibling?.dataset.id ?? "",
      before_id: card.nextElementSibling?.dataset.id ?? "",
    });
    const response = await this.request(`tasks/${card.dataset.id}/move`, { method: "POST", body });
    card.classList.remove("is-sync");
    card.removeAttribute("aria-busy");
    if (response?.ok) return this.replace(await response.text(), { flash: false });
    if (card.isConnected) {
      origin.list.insertBefore(card, origin.next?.parentElement === origin.list ? origin.next : null);
      this.recount(to.list, origin.list);
    }
    await refused(response);
    if (response && [404, 412].includes(response.status)) this.frames.refresh(card.dataset.id);
  }

  async request(path, options = {}) {
    const headers = { "X-CSRFToken": this.dataset.csrf, "HX-Request": "true" };
    try {
      return await fetch(this.base + path, { headers, credentials: "same-origin", ...options });
    } catch {
      return null;
    }
  }

  recount(from, to) {
    if (from === to) return;
    for (const [list, by] of [[from, -1], [to, 1]]) {
      const column = list && this.column(list);
      const number = column?.querySelector("[data-count]");
      if (!number) continue;
      number.dataset.count = Math.max(0, Number(number.dataset.count) + by);
      const limit = Number(number.dataset.limit || 0);
      number.textContent = limit ? `${number.dataset.count} / ${limit}` : number.dataset.count;
      column.classList.toggle("is-over", limit > 0 && number.dataset.count > limit);
    }
  }

  card(id) {
    return this.querySelector(`#task-${CSS.escape(id)}`);
  }

  /** Puts a card from the server in the place of the one that is shown now, unless that is newer. */
  replace(html, { flash = true } = {}) {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".mc-card");
    const list = fresh && this.querySelector(`.mc-col[data-status="${fresh.dataset.status}"] [data-cards]`);
    if (!list) return;
    const old = this.card(fresh.dataset.id);
    if (Number(old?.dataset.version ?? 0) > Number(fresh.dataset.version)) return;
    const focused = old?.contains(document.activeElement);
    if (old?.classList.contains("is-open")) fresh.classList.add("is-open");
    this.recount(old?.parentElement ?? null, list);
    const stays = old && old.parentElement === list && old.dataset.rank === fresh.dataset.rank;
    if (stays) old.replaceWith(fresh);
    else {
      old?.remove();
      const after = [...list.children].find((card) => card.dataset.rank > fresh.dataset.rank);
      list.insertBefore(fresh, after ?? null);
    }
    if (flash) fresh.classList.add("is-flash");
    if (focused) fresh.focus({ preventScroll: true });
  }
}

customElements.define("mc-board", McBoard);
