// Who else looks at the board: avatars in its head, and a mark on the card that somebody reads.
const MOST = 5;

export class People {
  constructor(board, socket) {
    this.board = board;
    this.socket = socket;
    this.present = new Map();
    document.addEventListener("mc:side", ({ detail }) => this.tell(detail.task));
  }

  /** Says what this person looks at; the server passes it on. */
  tell(task) {
    this.viewing = task ?? null;
    this.socket?.send({ type: "presence", viewing_task_id: this.viewing });
  }

  frame(frame) {
    if (frame.type === "presence.state") return this.all(frame.presence);
    if (frame.type === "presence.leave") this.present.delete(frame.connection);
    else if (frame.user_id !== this.board.dataset.user) this.present.set(frame.connection, frame);
    this.draw();
  }

  /** Everybody at once, as the server lists them; it knows nothing yet of what this one looks at. */
  all(entries) {
    if (this.viewing) this.tell(this.viewing);
    const others = entries.filter((entry) => entry.user_id !== this.board.dataset.user);
    this.present = new Map(others.map((entry) => [entry.connection, entry]));
    this.draw();
  }

  draw() {
    const people = [...new Map([...this.present.values()].map((entry) => [entry.user_id, entry])).values()];
    const place = document.querySelector("[data-mc-present]");
    if (!place) return;
    place.replaceChildren(...people.slice(0, MOST).map((entry) => this.avatar(entry.avatar, entry.name)));
    if (people.length > MOST) place.append(this.avatar(`+${people.length - MOST}`, ""));
    for (const card of this.board.querySelectorAll(".mc-card[data-viewers]")) delete card.dataset.viewers;
    for (const entry of people) {
      const card = entry.viewing_task_id && this.board.card(entry.viewing_task_id);
      if (card) card.dataset.viewers = entry.avatar;
    }
  }

  avatar(letters, name) {
    const avatar = document.createElement("span");
    avatar.className = "mc-av";
    avatar.textContent = letters;
    avatar.title = name;
    avatar.setAttribute("role", "img");
    avatar.setAttribute("aria-label", name || letters);
    return avatar;
  }
}
