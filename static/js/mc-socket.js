// <mc-socket data-url data-seq [data-flat]>: one live connection, resumed by the last number seen.
//
// A frame {"type":"event","payload":{type,seq,…}} becomes two events on <body>: mc:<type> and its
// noun, mc:<noun>, so that fragments say hx-trigger="mc:approval from:body"; mc:event is any of them. Every other frame goes
// out as "mc-frame" on the element itself. data-flat: the subscribe frame carries since_seq at its
// top (board sockets) instead of in payload.
import { say } from "./words.js";

const HEARTBEAT = 30_000;
const SILENCE = 75_000;
const STABLE = 60_000;
const LONGEST_WAIT = 30_000;
const BANNER_AFTER = 5_000;
const FINAL = new Set([4001, 4003, 4004, 4009]);
const away = new Set();

function showState() {
  const live = away.size === 0 && document.querySelector("mc-socket[data-open]") !== null;
  for (const pill of document.querySelectorAll("[data-mc-live-pill]")) {
    pill.className = live ? "mc-pill is-online" : "mc-pill is-offline";
  }
  for (const dot of document.querySelectorAll("[data-mc-live-dot]")) {
    dot.className = live ? "mc-dot is-online mc-live" : "mc-dot is-offline";
  }
  for (const word of document.querySelectorAll("[data-mc-live-word]")) {
    word.textContent = say(live ? "live" : "connecting");
  }
}

class McSocket extends HTMLElement {
  connectedCallback() {
    this.seq = Number(this.dataset.seq || 0);
    this.attempt = 0;
    this.retryNow = () => document.hidden || this.open || this.final || this.connect();
    addEventListener("online", this.retryNow);
    document.addEventListener("visibilitychange", this.retryNow);
    this.connect();
  }

  disconnectedCallback() {
    this.final = true;
    removeEventListener("online", this.retryNow);
    document.removeEventListener("visibilitychange", this.retryNow);
    clearInterval(this.pulse);
    clearTimeout(this.retry);
    away.delete(this);
    this.socket?.close(1000);
  }

  connect() {
    clearTimeout(this.retry);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const address = new URL(this.dataset.url, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (message) => this.received(message.data);
    socket.onclose = (event) => socket === this.socket && this.closed(event.code);
  }

  opened() {
    this.open = true;
    this.dataset.open = "";
    this.heard = Date.now();
    away.delete(this);
    clearTimeout(this.banner);
    if (!away.size) document.getElementById("stale")?.setAttribute("hidden", "");
    this.stable = setTimeout(() => (this.attempt = 0), STABLE);
    this.resume();
    this.pulse = setInterval(() => this.beat(), HEARTBEAT);
    showState();
  }

  resume() {
    const from = { since_seq: this.seq };
    this.send("flat" in this.dataset ? { type: "subscribe", ...from } : { type: "subscribe", payload: from });
  }

  beat() {
    if (Date.now() - this.heard > SILENCE) this.socket.close(4008);
    else this.send({ type: "heartbeat", id: String(Date.now()) });
  }

  /** Sends a frame, if the line is open; says whether it went out. */
  send(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  received(text) {
    this.heard = Date.now();
    const frame = JSON.parse(text);
    if (frame.type === "event") this.announce(frame.payload);
    else if (frame.type === "heartbeat_ack" && frame.seq > this.seq) this.resume();
    else if (frame.type === "reset") document.body.dispatchEvent(new CustomEvent("mc:refresh"));
    else this.dispatchEvent(new CustomEvent("mc-frame", { detail: frame }));
  }

  announce(event) {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    const names = new Set(["event", event.type, event.type.split(".")[0]]);
    for (const name of names) document.body.dispatchEvent(new CustomEvent(`mc:${name}`, { detail: event }));
  }

  closed(code) {
    this.open = false;
    delete this.dataset.open;
    clearInterval(this.pulse);
    clearTimeout(this.stable);
    if (this.final) return;
    away.add(this);
    this.final = FINAL.has(code);
    clearTimeout(this.banner);
    this.banner = setTimeout(() => {
      if (away.size) document.getElementById("stale")?.removeAttribute("hidden");
      showState();
    }, this.final ? 0 : BANNER_AFTER);
    if (this.final) return;
    const wait = code === 4029 ? 30_000 : Math.random() * Math.min(LONGEST_WAIT, 1000 * 2 ** this.attempt);
    this.attempt += 1;
    this.retry = setTimeout(() => this.connect(), wait);
  }
}

customElements.define("mc-socket", McSocket);
