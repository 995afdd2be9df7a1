"use strict";
// The page: what is asked for, the grid that shows it, and the photo that the address names.

const ERRORS = "Not shown";
const BARS = 40;
const NOTHING = { min: null, max: null, since: "", until: "", folder: "", text: "", errors: "1" };

class Page {
  constructor(source) {
    this.source = source;
    this.query = { ...NOTHING, sort: "score", order: "desc" };
    this.grid = new Grid(at("grid"), source, () => this.more());
    this.photo = new PhotoPage(source, { neighbour: (id, step) => this.neighbour(id, step), close: () => this.leave() });
    this.listen();
    this.find().then(() => {
      this.greet();
      this.turn();
    });
    if (document.readyState === "loading") this.waitForPhotos();
  }

  listen() {
    const soon = delayed(() => this.find(), 120);
    const set = (name, value) => {
      this.query[name] = value;
      soon();
    };
    for (const name of ["text", "folder", "since", "until", "errors"]) {
      at(name).addEventListener("input", (event) => set(name, event.target.value.trim()));
    }
    at("min").addEventListener("input", () => this.setRange(soon));
    at("max").addEventListener("input", () => this.setRange(soon));
    at("sort").addEventListener("input", (event) => {
      [this.query.sort, this.query.order] = event.target.value.split(" ");
      this.find();
    });
    at("filter").addEventListener("click", () => this.toggleFilters());
    at("filters").addEventListener("reset", () => setTimeout(() => this.clear()));
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("clear").addEventListener("click", () => at("filters").reset());
    at("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
    at("ask").addEventListener("click", () => at("help").showModal());
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.grid.focus();
    });
    addEventListener("hashchange", () => this.turn());
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => this.drawSpread());
  }

  // What is asked for

  async find() {
    try {
      const found = await this.source.find(this.query);
      if (this.total !== undefined) scrollTo({ top: 0, behavior: "instant" });
      this.tell("");
      this.show(found);
    } catch (problem) {
      if (problem.name !== "AbortError") this.tell(problem.message);
    }
  }

  show({ photos, total, failed }) {
    Object.assign(this, { total, asking: false });
    this.grid.show(photos, total, groups(this.query.sort));
    at("none").hidden = total > 0;
    const lost = failed ? `  ·  ${failed.toLocaleString()} not shown` : "";
    at("count").textContent = `${total.toLocaleString()} ${total === 1 ? "photo" : "photos"}${lost}`;
    const active = Object.keys(NOTHING).filter((name) => name !== "text" && this.query[name] !== NOTHING[name]);
    at("active").hidden = !active.length;
    at("active").textContent = ` · ${active.length}`;
    this.drawSpread();
    if (this.photo.open) this.photo.fill();
  }

  async more() {
    if (this.asking || this.grid.rows.length >= this.total) return;
    this.asking = true;
    try {
      const { photos } = await this.source.find(this.query, this.grid.rows.length);
      this.grid.append(photos);
      if (!photos.length) this.total = this.grid.total = this.grid.rows.length;
      this.asking = false;
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.tell(problem.message);
      this.asking = false;
    }
  }

  clear() {
    Object.assign(this.query, NOTHING);
    at("text").value = "";
    this.resetRange();
    this.find();
  }

  tell(message) {
    at("message").hidden = !message;
    at("message").textContent = message;
  }

  /** Cards whose photos the browser has not read yet are filled as it goes on. */
  waitForPhotos() {
    const timer = setInterval(() => this.grid.draw(), 100);
    document.addEventListener("DOMContentLoaded", () => {
      clearInterval(timer);
      this.grid.draw();
    });
  }

  // What stays

  greet() {
    const { about, folders } = this.source;
    if (!about) return;
    document.title = at("title").textContent = about.title;
    at("folders").replaceChildren(...folders.map((folder) => make("option", { value: folder })));
    const made = about.made && day(`${about.made}T00:00`, { dateStyle: "long" });
    const scores = `Scores of ${about.model} (${about.model_hash}) on a scale of ${short(about.low)} to ${short(about.high)}`;
    at("about").textContent = [scores, about.rgnet && `rgnet ${about.rgnet}`, made].filter(Boolean).join("  ·  ");
    for (const id of ["min", "max"]) Object.assign(at(id), { min: about.low, max: about.high });
    this.resetRange();
  }

  // The range of scores, over the histogram of them all

  resetRange() {
    const { low, high } = this.source.about;
    [at("min").value, at("max").value] = [low, high];
    this.tellRange();
  }

  setRange(soon) {
    const { low, high } = this.source.about;
    const [one, other] = [Number(at("min").value), Number(at("max").value)];
    const [min, max] = [Math.min(one, other), Math.max(one, other)];
    // A score may lie beyond the scale by a rounding: an end that is not moved asks for nothing
    this.query.min = min > low ? Math.round(min * 100) / 100 : null;
    this.query.max = max < high ? Math.round(max * 100) / 100 : null;
    this.tellRange();
    soon();
  }

  tellRange() {
    const { low, high } = this.source.about;
    at("between").textContent = `${(this.query.min ?? low).toFixed(2)} – ${(this.query.max ?? high).toFixed(2)}`;
    this.drawSpread();
  }

  drawSpread() {
    const { about } = this.source;
    if (!about || at("filters").hidden) return;
    const unit = (score) => (score - about.low) / (about.high - about.low);
    const { min, max } = this.query;
    paintBars(at("spread"), this.source.bars(BARS), unit(min ?? about.low), unit(max ?? about.high));
  }

  toggleFilters(open = at("filters").hidden) {
    at("filters").hidden = !open;
    at("filter").setAttribute("aria-expanded", open);
    this.drawSpread();
    if (open) at("min").focus({ preventScroll: true });
  }

  // The photo that the address names

  turn() {
    if (!this.source.about) return;
    const id = /^#photo=([\w-]+)$/.exec(location.hash)?.[1];
    if (id) {
      const place = this.grid.rows.findIndex((row) => row.id === id);
      if (place >= 0) this.grid.setCurrent(place);
      this.photo.show(id);
    } else if (this.photo.open) {
      // The browser gives the focus back to where it came from: the photo may be another one by now
      const { current } = this.grid;
      this.photo.hide();
      this.grid.focus(current);
    }
  }

  leave() {
    history.pushState(null, "", location.pathname + location.search);
    this.turn();
  }

  neighbour(id, step) {
    const place = this.grid.rows.findIndex((row) => row.id === id);
    if (place + step > this.grid.rows.length - 20) this.more();
    return place < 0 ? null : (this.grid.rows[place + step]?.id ?? null);
  }

  // Keys

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || at("help").open) return;
    const typing = event.target.matches?.("input:not([type=range], [type=radio]), select, textarea");
    if (event.key === "Escape" && !this.photo.open) this.escape(event);
    if (typing) return;
    if (event.key === "?") at("help").showModal();
    if (this.photo.open) return;
    if (event.key === "/") at("text").focus();
    else if (event.key === "f") this.toggleFilters();
    else if (event.key.startsWith("Arrow") && event.target === document.body) this.grid.focus();
    else return;
    event.preventDefault();
  }

  escape(event) {
    if (event.target === at("text")) {
      at("text").value = this.query.text = "";
      this.find().then(() => this.grid.focus(0));
    } else if (!at("filters").hidden) {
      this.toggleFilters(false);
      at("filter").focus();
    }
  }
}

/** How rows in an order are grouped: a function of a row to a heading, undefined for none. */
function groups(sort) {
  const months = new Map();
  const month = (taken) => {
    const key = taken.slice(0, 7);
    if (!months.has(key)) months.set(key, day(`${key}-01T00:00`, { month: "long", year: "numeric" }) ?? key);
    return months.get(key);
  };
  return (row) => {
    if (row.error) return ERRORS;
    if (sort === "folder") return row.folder;
    if (sort === "taken") return row.taken ? month(row.taken) : "No date";
    return undefined;
  };
}

const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  keep("theme", theme);
  dispatchEvent(new Event("resize"));
}

const theme = kept("theme", ["light", "dark"]);
if (theme) document.documentElement.dataset.theme = theme;
new Page(opened());
