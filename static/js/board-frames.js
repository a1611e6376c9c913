// What the board's socket says, brought onto the page: one card at a time, or all after a flood.
import { People } from "./board-people.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const FLOOD = 20;
const PAUSE = 60;

export class Frames {
  constructor(board, socket) {
    this.board = board;
    this.socket = socket;
    this.waiting = new Map();
    this.people = new People(board, socket);
    socket?.addEventListener("mc-frame", (event) => this.frame(event.detail));
    document.addEventListener("mc:card-changed", ({ detail }) => this.later(detail.id, detail.version));
  }

  frame(frame) {
    if (frame.type.startsWith("presence.")) return this.people.frame(frame);
    if (frame.type === "heartbeat_ack") return;
    if (frame.seq && frame.seq > this.socket.seq) this.socket.seq = frame.seq;
    if (frame.type === "replay") return frame.events.length > FLOOD ? this.reload() : frame.events.forEach((f) => this.frame(f));
    if (frame.type === "board.state") {
      this.people.all(frame.presence ?? []);
      return frame.seq > Number(this.board.dataset.seq) && this.reload();
    }
    if (frame.type === "task.deleted") return this.remove(frame.task_id);
    const id = frame.task_id ?? frame.task?.id;
    if (frame.type.startsWith("task.") && id) this.later(id, frame.version ?? frame.task?.version ?? Infinity);
    const noun = frame.type.split(".")[0];
    for (const name of new Set([frame.type, noun])) {
      document.body.dispatchEvent(new CustomEvent(`mc:board-${name}`, { detail: frame }));
    }
    for (const task of frame.task_ids ?? []) this.later(task, Infinity);
  }

  // Several changes of one card within a moment need one request.
  later(id, version) {
    if (Number(this.board.card(id)?.dataset.version ?? -1) >= version) return;
    if (!this.waiting.size) setTimeout(() => this.drain(), PAUSE);
    this.waiting.set(id, version);
  }

  drain() {
    const ids = [...this.waiting.keys()];
    this.waiting.clear();
    if (ids.length > FLOOD) this.reload();
    else ids.forEach((id) => this.refresh(id));
  }

  async refresh(id) {
    const response = await this.board.request(`tasks/${id}/card${location.search}`);
    if (response?.ok) this.board.replace(await response.text());
    else if (response?.status === 404) this.remove(id);
  }

  remove(id) {
    const card = this.board.card(id);
    if (!card) return;
    this.board.recount(card.parentElement, null);
    card.remove();
  }

  async reload() {
    const response = await this.board.request(`columns${location.search}`);
    if (!response?.ok) return toast(say("noAnswer"));
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const board = fresh.querySelector(".mc-board");
    if (!board) return;
    this.board.querySelector(".mc-board").replaceWith(board);
    this.board.dataset.seq = this.socket?.seq ?? this.board.dataset.seq;
    window.htmx.process(board);
    if (this.board.dataset.writable !== undefined) this.board.makeSortable();
  }
}
