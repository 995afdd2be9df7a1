"use strict";
// A person's marks: keys and buttons, the photos that are selected, and what can be done with them.

const COLOURS = ["red", "yellow", "green", "blue", "purple"];
const PICK_KEYS = { p: "picked", x: "rejected", u: null };
const MOST_AT_ONCE = 1000;

/** What a person said of a photo, in words; "" where nothing was said. */
function describeMark(mark) {
  if (!mark) return "";
  return [mark.pick, mark.stars && countOf(mark.stars, "star"), mark.colour].filter(Boolean).join(", ");
}

/** The same as signs, for eyes only. */
function createBadge(mark) {
  if (!mark) return null;
  const badge = create("span", { className: `badge ${mark.pick ?? ""}` });
  badge.setAttribute("aria-hidden", "true");
  const sign = { picked: "✓", rejected: "✕" }[mark.pick];
  if (sign) badge.append(create("span", { className: "pick" }, sign));
  if (mark.stars) {
    const [many, few] = ["★".repeat(mark.stars), `${mark.stars}★`].map((text, index) => create("span", { className: index ? "few" : "many" }, text));
    badge.append(create("span", { className: "stars" }, many, few));
  }
  if (mark.colour) badge.append(create("i", { className: `colour ${mark.colour}` }));
  return badge;
}

/** Photos that are selected, in the order in which they were. */
class Selection {
  constructor(onChange) {
    Object.assign(this, { rows: new Map(), onChange });
  }

  get size() {
    return this.rows.size;
  }

  toggle(row) {
    if (row.isStandIn) return;
    if (!this.rows.delete(row.id)) this.rows.set(row.id, row);
    this.onChange();
  }

  add(rows) {
    for (const row of rows) this.rows.set(row.id, row);
    this.onChange();
  }

  clear() {
    this.rows.clear();
    this.onChange();
  }
}

class MarkBar {
  /** source: of photos; targets: () => ids to mark; onMarked: (ids) after marks have changed; findRow: (id) => row */
  constructor(source, { targets, onMarked, findRow }) {
    // turn: fulfilled once all marks that were asked for are made
    Object.assign(this, { source, targets, onMarked, findRow, bar: byId("bar"), turn: Promise.resolve() });
    this.bar.querySelectorAll("[data-pick]").forEach((button) => {
      button.addEventListener("click", () => this.mark(() => ({ pick: button.dataset.pick || null })));
    });
    this.bar.querySelectorAll("[data-stars]").forEach((button) => {
      button.addEventListener("click", () => this.toggle("stars", Number(button.dataset.stars)));
    });
    this.bar.querySelectorAll("[data-colour]").forEach((button) => {
      button.addEventListener("click", () => this.toggle("colour", button.dataset.colour));
    });
    byId("undo").addEventListener("click", () => this.undo());
  }

  get isUsable() {
    return Boolean(this.source.about?.may_mark);
  }

  /** Show the bar where marks can be made: in the page, or in the dialog that lies over it. */
  place(container) {
    this.bar.hidden = !this.isUsable;
    if (this.bar.parentElement !== container) container.append(this.bar);
    this.refresh();
  }

  refresh() {
    const ids = this.targets();
    const marks = ids.map((id) => this.findRow(id)?.mark);
    const isOn = (name, value) => ids.length > 0 && marks.every((mark) => (mark?.[name] ?? null) === value);
    const press = (selector, name, read) => {
      for (const button of this.bar.querySelectorAll(selector)) {
        button.disabled = !ids.length;
        const value = read(button);
        if (value !== null) button.setAttribute("aria-pressed", isOn(name, value));
      }
    };
    press("[data-pick]", "pick", (button) => button.dataset.pick || null);
    press("[data-stars]", "stars", (button) => Number(button.dataset.stars));
    press("[data-colour]", "colour", (button) => button.dataset.colour);
    const shown = isOn("stars", marks[0]?.stars ?? null) ? (marks[0]?.stars ?? 0) : 0;
    for (const button of this.bar.querySelectorAll("[data-stars]")) {
      button.classList.toggle("lit", Number(button.dataset.stars) <= shown);
    }
  }

  /** Give a value, or take it away where all have it already. */
  toggle(name, value) {
    this.mark((ids) => {
      const haveIt = ids.every((id) => this.findRow(id)?.mark?.[name] === value);
      return { [name]: haveIt ? null : value };
    });
  }

  /** Mark the targets of this moment; what changes is found, by their ids, once the marks before are made. */
  mark(findChange) {
    const ids = this.targets().filter((id) => /^\d+$/.test(id));
    if (!ids.length || !this.isUsable) return;
    const name = this.findRow(ids[0])?.name;
    this.queue(async () => {
      const change = findChange(ids);
      let marks;
      for (let start = 0; start < ids.length; start += MOST_AT_ONCE) {
        marks = await this.source.mark(ids.slice(start, start + MOST_AT_ONCE), change);
        this.take(marks);
      }
      this.say(ids.length === 1 ? `${name}: ${describeMark(marks[ids[0]]) || "no marks"}` : `Marked ${countOf(ids.length, "photo")}`);
    });
  }

  undo() {
    if (!this.isUsable) return;
    this.queue(async () => {
      const marks = await this.source.undo();
      this.take(marks);
      const count = Object.keys(marks).length;
      this.say(count ? `Undone for ${countOf(count, "photo")}` : "Nothing to undo");
    });
  }

  /** One request after the other: two on their way at once may overtake each other, and the earlier key would win. */
  queue(action) {
    this.turn = this.turn.then(action).catch((problem) => this.say(problem.message, true));
  }

  /** Marks by photo, as the service has them now. */
  take(marks) {
    for (const [id, mark] of Object.entries(marks)) {
      const row = this.findRow(id);
      if (row) row.mark = describeMark(mark) ? mark : null;
    }
    this.onMarked(Object.keys(marks));
    this.refresh();
  }

  /** For screen readers; a problem for everybody, in the bar because dialogs cover the page. */
  say(text, isProblem = false) {
    byId("said").textContent = text;
    byId("said").classList.toggle("unseen", !isProblem);
  }

  /** Whether the key was one of these. */
  onKey(event) {
    if (!this.isUsable || event.altKey) return false;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) {
      this.undo();
      return true;
    }
    if (event.ctrlKey || event.metaKey) return false;
    if (key in PICK_KEYS) this.mark(() => ({ pick: PICK_KEYS[key] }));
    else if (key === "0") this.mark(() => ({ stars: null }));
    else if (key >= "1" && key <= "5") this.mark(() => ({ stars: Number(key) }));
    else if (key >= "6" && key <= "9") this.toggle("colour", COLOURS[Number(key) - 6]);
    else return false;
    return true;
  }
}

/** Text to the clipboard; browsers allow that on this machine and over TLS only. */
async function copyText(text) {
  if (!navigator.clipboard) throw new Error("This browser copies only from pages of this machine or over HTTPS.");
  await navigator.clipboard.writeText(text);
}

function downloadText(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  create("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
