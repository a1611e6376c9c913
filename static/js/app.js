// Entry of every page. Behaviour that belongs to no element of its own stands here.
import htmx from "../vendor/htmx.org/4.0.1/htmx.esm.min.js";
import "./mc-socket.js";
import "./mc-time.js";
import "./mc-form.js";
import "./mc-list.js";
import "./mc-board.js";
import "./mc-side.js";
import "./mc-select.js";
import "./mc-talk.js";
import "./mc-mentions.js";
import "./mc-passkey.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const closestOf = (event, selector) => event.target.closest?.(selector);

document.addEventListener("click", (event) => {
  const dismiss = closestOf(event, "[data-mc-dismiss]");
  if (dismiss) dismiss.closest("[data-mc-toast]")?.remove();

  const copy = closestOf(event, "[data-mc-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.mcCopy).then(() => toast(say("copied")));

  const open = closestOf(event, "[data-mc-open]");
  const dialog = open && document.querySelector(open.dataset.mcOpen);
  if (dialog) {
    event.preventDefault();
    open.closest("[popover]")?.hidePopover();
    dialog.showModal();
  }
  if (closestOf(event, "[data-mc-close]")) closestOf(event, "dialog")?.close();
});

// A navigation drawer closes when it led somewhere.
document.getElementById("nav")?.addEventListener("click", (event) => {
  if (closestOf(event, "a") && event.currentTarget.matches(":popover-open")) {
    event.currentTarget.hidePopover();
  }
});

// A menu is walked with the arrow keys.
document.addEventListener("keydown", (event) => {
  const menu = closestOf(event, ".mc-menu[popover]");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const entries = [...menu.querySelectorAll("a, button")].filter((entry) => !entry.disabled);
  const step = event.key === "ArrowDown" ? 1 : -1;
  const at = entries.indexOf(document.activeElement);
  entries[(at + step + entries.length) % entries.length]?.focus();
  event.preventDefault();
});

// No answer at all: the page says so and stays as it was.
document.addEventListener("htmx:error", (event) => {
  if (event.detail?.ctx) toast(say("noAnswer"));
});

// Toasts leave by themselves, except while somebody reads them.
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.nodeType !== Node.ELEMENT_NODE) continue;
    const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, 4000) : node.remove());
    setTimeout(leave, 10000);
  }
}).observe(document.getElementById("toasts") ?? document.createElement("div"), { childList: true });

// What the server says about something that leaves the page.
document.addEventListener("mc:said", ({ detail }) => toast(detail.text, detail));

document.querySelector("[data-mc-autofocus]")?.focus();
window.htmx = htmx;
