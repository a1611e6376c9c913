// Ages and deadlines go on while the page is open: <time datetime data-mc-age="ago|short|closes">.
import { say } from "./words.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

function largest(seconds) {
  if (seconds < MINUTE) return say("seconds", { n: seconds });
  if (seconds < HOUR) return say("minutes", { n: Math.floor(seconds / MINUTE) });
  if (seconds < DAY) return say("hours", { n: Math.floor(seconds / HOUR) });
  return say("days", { n: Math.floor(seconds / DAY) });
}

function twoUnits(seconds) {
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (seconds < HOUR || seconds >= DAY || !minutes) return largest(seconds);
  return say("hoursMinutes", { n: Math.floor(seconds / HOUR), m: String(minutes).padStart(2, "0") });
}

function tick(element, now) {
  const at = Date.parse(element.dateTime);
  const style = element.dataset.mcAge;
  if (style === "closes") {
    const left = Math.floor((at - now) / 1000);
    write(element, left > 0 ? say("closes", { length: twoUnits(left) }) : say("closed"));
    const bar = element.parentElement.querySelector("progress");
    const opened = Date.parse(element.dataset.mcOpened);
    if (bar && at > opened) bar.value = Math.max(0, (100 * (at - now)) / (at - opened));
    if (left < HOUR) element.parentElement.classList.replace("is-neutral", "is-high");
    return left < HOUR ? 1 : 30;
  }
  const age = Math.max(0, Math.floor((now - at) / 1000));
  if (age >= 14 * DAY) return 3600;
  write(element, style === "short" ? largest(age) : say("ago", { length: largest(age) }));
  return age < MINUTE ? 1 : 15;
}

function write(element, text) {
  if (text && element.textContent !== text) element.textContent = text;
}

const due = new WeakMap();

setInterval(() => {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-mc-age]")) {
    if ((due.get(element) ?? 0) <= now) due.set(element, now + 1000 * tick(element, now) - 100);
  }
}, 1000);

// Where a time zone is asked for and none is known, the browser's own is proposed.
for (const select of document.querySelectorAll("[data-mc-own-time-zone]")) {
  if (!select.value) select.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}
