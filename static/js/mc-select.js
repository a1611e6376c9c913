// <mc-select>: rows chosen by their boxes, a range with Shift, all by the box in the head.
//
// The bar with what can be done shows while something is chosen. Without script it always shows.
class McSelect extends HTMLElement {
  connectedCallback() {
    this.last = null;
    this.all = this.querySelector("[data-mc-select-all]");
    this.bar = this.querySelector("[data-mc-select-bar]");
    if (!this.bar) return;
    this.addEventListener("click", (event) => this.click(event));
    this.addEventListener("keydown", (event) => this.key(event));
    this.show();
  }

  get boxes() {
    return [...this.querySelectorAll("[data-mc-select-row] input[name=ids]")];
  }

  click(event) {
    const boxes = this.boxes;
    if (event.target === this.all) {
      for (const box of boxes) box.checked = this.all.checked;
    } else {
      const box = this.boxOf(event);
      if (!box) return;
      const [from, to] = [boxes.indexOf(this.last), boxes.indexOf(box)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) {
        for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
      }
      this.last = box;
    }
    this.show();
  }

  // A click with Shift or Ctrl anywhere in a row means its box.
  boxOf(event) {
    if (event.target.matches("input[name=ids]")) return event.target;
    if (!event.shiftKey && !event.ctrlKey && !event.metaKey) return null;
    const box = event.target.closest("[data-mc-select-row]")?.querySelector("input[name=ids]");
    if (!box) return null;
    event.preventDefault();
    getSelection()?.removeAllRanges();
    box.checked = event.shiftKey || !box.checked;
    return box;
  }

  key(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    for (const box of this.boxes) box.checked = false;
    this.show();
  }

  show() {
    const boxes = this.boxes;
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) {
      box.closest("[data-mc-select-row]").setAttribute("aria-selected", String(box.checked));
    }
    this.bar.hidden = !chosen.length;
    this.bar.querySelector("[data-mc-select-count]").textContent = chosen.length || "";
    if (!this.all) return;
    this.all.checked = chosen.length > 0 && chosen.length === boxes.length;
    this.all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
  }
}

customElements.define("mc-select", McSelect);
