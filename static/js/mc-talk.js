// <mc-talk data-event data-place data-from [data-live]>: a chat that follows its board or group.
//
// New messages are fetched when the socket tells of one here, and put at the end; who reads at the
// end stays there. The form sends without leaving the page.
import { refused } from "./toast.js";

const NEAR = 160;

class McTalk extends HTMLElement {
  connectedCallback() {
    if (!("live" in this.dataset)) return;
    this.onEvent = (event) => event.detail?.target_id === this.dataset.place && this.fetch();
    this.onRefresh = () => this.fetch();
    document.body.addEventListener(`mc:${this.dataset.event}`, this.onEvent);
    document.body.addEventListener("mc:refresh", this.onRefresh);
    this.querySelector("form")?.addEventListener("submit", (event) => this.send(event));
    if (!location.hash) requestAnimationFrame(() => this.toEnd());
  }

  disconnectedCallback() {
    document.body.removeEventListener(`mc:${this.dataset.event}`, this.onEvent);
    document.body.removeEventListener("mc:refresh", this.onRefresh);
  }

  get log() {
    return this.querySelector("#messages");
  }

  get isAtEnd() {
    return innerHeight + scrollY >= document.documentElement.scrollHeight - NEAR;
  }

  toEnd() {
    scrollTo({ top: document.documentElement.scrollHeight });
  }

  async fetch() {
    const follow = this.isAtEnd;
    let response = null;
    try {
      response = await fetch(this.dataset.from, { headers: { "HX-Request": "true" } });
    } catch {
      return;
    }
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const node of [...(fresh.querySelector("#messages")?.children ?? [])]) this.place(node);
    if (follow) this.toEnd();
  }

  place(node) {
    if (document.getElementById(node.id) || node.matches(".mc-talk-older")) return;
    document.getElementById("nothing")?.remove();
    this.log.append(document.adoptNode(node));
  }

  async send(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("[type=submit]");
    const body = new FormData(form);
    body.delete("form_key");
    button.disabled = true;
    let response = null;
    try {
      response = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    } catch {
      response = null;
    }
    button.disabled = false;
    if (!response?.ok) return refused(response);
    form.reset();
    await this.fetch();
    this.toEnd();
    form.querySelector("textarea").focus();
  }
}

customElements.define("mc-talk", McTalk);
