// Cards by keyboard: arrows walk, Space lifts, arrows carry, Space drops, Escape puts back.
import { say } from "./words.js";

const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const TYPING = "input, textarea, select, [contenteditable]";

export class Lift {
  constructor(board) {
    this.board = board;
    this.card = null;
    board.addEventListener("keydown", (event) => this.key(event));
    board.addEventListener("focusout", (event) => this.left(event));
    document.addEventListener("keydown", (event) => this.create(event));
  }

  say(text) {
    this.board.querySelector("[data-mc-speak]").textContent = text;
  }

  title(card) {
    return card.querySelector(".mc-card-title").textContent.trim();
  }

  key(event) {
    const card = event.target.closest(".mc-card");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    if (event.key === " " && this.board.dataset.writable !== undefined) {
      event.preventDefault();
      if (this.card) this.drop();
      else this.raise(card);
    } else if (event.key === "Escape" && this.card) {
      event.preventDefault();
      event.stopPropagation();
      this.putBack();
    } else if (step) {
      event.preventDefault();
      if (this.card) this.carry(...step);
      else this.walk(card, ...step);
    }
  }

  raise(card) {
    this.card = card;
    this.origin = this.board.place(card);
    card.classList.add("is-lifted");
    this.say(say("lifted", { title: this.title(card) }));
  }

  columns() {
    return [...this.board.querySelectorAll("[data-cards]")];
  }

  walk(card, across, down) {
    const lists = this.columns();
    if (down) return (down > 0 ? card.nextElementSibling : card.previousElementSibling)?.focus();
    const row = [...card.parentElement.children].indexOf(card);
    for (let at = lists.indexOf(card.parentElement) + across; lists[at]; at += across) {
      const cards = lists[at].children;
      if (cards.length) return cards[Math.min(row, cards.length - 1)].focus();
    }
  }

  carry(across, down) {
    const { card } = this;
    const lists = this.columns();
    const list = lists[lists.indexOf(card.parentElement) + across];
    this.carrying = true;
    if (down > 0) card.nextElementSibling?.after(card);
    else if (down < 0) card.previousElementSibling?.before(card);
    else if (list) list.prepend(card);
    card.focus();
    this.carrying = false;
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
    const column = card.closest(".mc-col");
    this.board.target(column);
    const place = [...card.parentElement.children].indexOf(card) + 1;
    this.say(say("placed", { title: this.title(card), column: column.getAttribute("aria-label"), place }));
  }

  end() {
    const { card } = this;
    card.classList.remove("is-lifted");
    this.board.target(null);
    this.card = null;
    return card;
  }

  drop() {
    const card = this.end();
    this.say(say("dropped", { title: this.title(card), column: card.closest(".mc-col").getAttribute("aria-label") }));
    this.board.commit(card, this.origin);
  }

  putBack() {
    const card = this.end();
    this.origin.list.insertBefore(card, this.origin.next);
    card.focus();
    this.say(say("putBack", { title: this.title(card) }));
  }

  left(event) {
    if (this.card && !this.carrying && event.relatedTarget !== this.card) this.putBack();
  }

  // c opens the first column's quick line.
  create(event) {
    if (event.key !== "c" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches?.(TYPING) || document.querySelector("dialog[open]")) return;
    const quick = this.board.querySelector("details.mc-quick-create");
    if (!quick) return;
    event.preventDefault();
    quick.open = true;
    quick.querySelector("input[name=title]")?.focus();
  }
}
