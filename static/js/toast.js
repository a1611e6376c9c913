// A line at the edge of the page about what just happened.
import { say } from "./words.js";

/** Shows `text` as a toast, with a link when one is given. */
export function toast(text, { href, word } = {}) {
  const line = document.createElement("div");
  line.className = "mc-toast";
  line.dataset.mcToast = "";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.className = "mc-btn";
  close.type = "button";
  close.dataset.mcDismiss = "";
  close.textContent = say("dismiss");
  line.append(words);
  if (href) {
    const link = document.createElement("a");
    link.className = "mc-btn";
    link.href = href;
    link.textContent = word;
    line.append(link);
  }
  line.append(close);
  document.getElementById("toasts")?.append(line);
}

/** Shows the answer to a refused request: the server's fragment, else the given text. */
export async function refused(response) {
  const type = response?.headers.get("Content-Type") ?? "";
  const text = response && type.startsWith("text/html") ? await response.text() : "";
  const shown = new DOMParser().parseFromString(text, "text/html").querySelector("[data-mc-toast]");
  if (shown) document.getElementById("toasts")?.append(document.adoptNode(shown));
  else toast(say("noAnswer"));
}
