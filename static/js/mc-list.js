// <mc-list>: rows walked with j and k, opened with Enter, decided with a and d, raw payload with r.
//
// A row that goes away hands its focus to the one that takes its place.
// A row carries data-mc-row; its link data-mc-row-open, its buttons data-mc-key="a" and so on.
const TYPING = "input, textarea, select, [contenteditable]";

class McList extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.addEventListener("focusin", (event) => this.mark(event.target.closest("[data-mc-row]")));
    this.at = -1;
    this.watch = new MutationObserver(() => this.keep());
    this.watch.observe(this, { childList: true, subtree: true });
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
    this.watch.disconnect();
  }

  get rows() {
    return [...this.querySelectorAll("[data-mc-row]")];
  }

  get current() {
    // A refetched list forgets the mark, but not the focus.
    return this.querySelector("[data-mc-row].is-focus") ?? this.querySelector("[data-mc-row]:focus-within");
  }

  mark(row) {
    for (const other of this.querySelectorAll(".is-focus")) other.classList.remove("is-focus");
    row?.classList.add("is-focus");
    this.at = this.rows.indexOf(row);
  }

  keep() {
    if (this.at < 0 || document.activeElement !== document.body || this.current) return;
    const rows = this.rows;
    if (rows.length) this.go(0, Math.min(this.at, rows.length - 1));
  }

  go(step, from = this.rows.indexOf(this.current)) {
    const rows = this.rows;
    const row = rows[Math.min(Math.max(from + step, 0), rows.length - 1)];
    if (!row) return;
    this.mark(row);
    row.scrollIntoView({ block: "nearest" });
    (row.querySelector("[data-mc-row-open]") ?? row).focus({ preventScroll: true });
    this.mark(row);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches?.(TYPING) || document.querySelector("dialog[open]")) return;
    if (event.key === "/") {
      const query = document.querySelector("[data-mc-query]");
      if (query) event.preventDefault();
      query?.focus();
    } else if (event.key === "j") this.go(1);
    else if (event.key === "k") this.go(this.current ? -1 : 1);
    else if (/^[a-z]$/.test(event.key)) {
      const button = this.current?.querySelector(`[data-mc-key="${event.key}"]`);
      if (button) event.preventDefault();
      button?.click();
    }
  }
}

customElements.define("mc-list", McList);
