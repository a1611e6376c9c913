// <mc-mentions data-handles="Atlas Sage">: names that are offered after "@" in the field inside it.
const WORD = /(?:^|[^\w])@([A-Za-z][\w-]*|)$/;
const MOST_NAMES = 8;

class McMentions extends HTMLElement {
  connectedCallback() {
    this.field = this.querySelector("textarea");
    this.list = document.createElement("ul");
    this.list.className = "mc-menu mc-mentions";
    this.list.id = `mentions-${Math.random().toString(36).slice(2)}`;
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    this.append(this.list);
    this.field.setAttribute("aria-controls", this.list.id);
    this.field.setAttribute("aria-autocomplete", "list");
    this.field.addEventListener("input", () => this.offer());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  get typed() {
    return WORD.exec(this.field.value.slice(0, this.field.selectionStart))?.[1];
  }

  offer() {
    const typed = this.typed;
    const names = (this.dataset.handles ?? "").split(" ").filter(Boolean);
    const fits = typed === undefined ? [] : names.filter((n) => n.toLowerCase().startsWith(typed.toLowerCase()));
    this.list.replaceChildren(...fits.slice(0, MOST_NAMES).map((name, at) => this.option(name, at)));
    this.list.hidden = !fits.length;
    this.mark(0);
  }

  option(name, at) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${at}`;
    option.setAttribute("role", "option");
    option.textContent = `@${name}`;
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(name);
    });
    option.dataset.name = name;
    return option;
  }

  mark(at) {
    const options = [...this.list.children];
    this.at = options.length ? (at + options.length) % options.length : -1;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.at)));
    if (this.at < 0) this.field.removeAttribute("aria-activedescendant");
    else this.field.setAttribute("aria-activedescendant", options[this.at].id);
  }

  key(event) {
    if (this.list.hidden || event.isComposing || event.ctrlKey || event.metaKey) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) this.mark(this.at + moves[event.key]);
    else if (event.key === "Enter" || event.key === "Tab") this.take(this.list.children[this.at].dataset.name);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  take(name) {
    const caret = this.field.selectionStart;
    this.field.setRangeText(`${name} `, caret - this.typed.length, caret, "end");
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.mark(-1);
  }
}

customElements.define("mc-mentions", McMentions);
