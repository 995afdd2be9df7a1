"use strict";
// The page: filters and order, the grid that shows what matches, and the photo that the address names.

const NOT_SHOWN = "Not shown";

class Page {
  constructor(source) {
    this.source = source;
    this.query = { ...NO_FILTER, sort: "score", order: "desc", groups: source.startsGrouped ? "1" : "" };
    this.selection = new Selection(() => this.showSelection());
    this.grid = new Grid(byId("grid"), source, this.selection, { onMissing: (row) => this.fill(row), onGroup: (row) => this.toggleGroup(row) });
    this.photo = new PhotoPage(source, { findNext: (id, step) => this.findNext(id, step), onShown: () => this.placeBar(), onClose: () => this.closePhoto() });
    this.marks = new MarkBar(source, {
      targets: () => this.findTargets(),
      findRow: (id) => this.findRow(id),
      onMarked: () => this.showMarks(),
    });
    this.listing = new Listing(source, this.marks);
    this.workbench = new Workbench(this);
    const find = () => this.find();
    this.filters = new Filters(source, this.query, { find, findSoon: debounce(find, 120), onToggle: () => this.grid.draw() });
    this.listen();
    this.find().then(() => {
      this.fillAbout();
      this.placeBar();
      this.followAddress();
    });
    if (document.readyState === "loading") this.waitForPhotos();
  }

  listen() {
    byId("sort").addEventListener("input", (event) => {
      [this.query.sort, this.query.order] = event.target.value.split(" ");
      this.find();
    });
    byId("group").addEventListener("click", () => this.toggleGroups());
    byId("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
    byId("help-button").addEventListener("click", () => byId("help").showModal());
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.grid.focus();
    });
    addEventListener("hashchange", () => this.followAddress());
    addEventListener("keydown", (event) => this.onKey(event));
    addEventListener("focusin", (event) => this.onFocus(event));
  }

  // What is shown

  async find() {
    const finding = (this.finding = Symbol());
    await this.attempt(async () => {
      const found = await this.listing.find(this.query);
      clearTimeout(this.comparing);
      if (this.isFilled) scrollTo({ top: 0, behavior: "instant" });
      this.isFilled = true;
      this.showMessage("");
      this.show(found);
      if (found.total !== found.photos.length) this.layOutLater(this.listing.rows);
    });
    if (this.finding === finding) this.finding = null;
  }

  show(found) {
    const isGrouped = Boolean(this.query.groups);
    this.grid.show(this.listing.rows, found.total, groupBy(this.query.sort), isGrouped);
    this.showCounts(found);
    byId("group").setAttribute("aria-pressed", isGrouped);
    byId("group").hidden = !this.source.mayGroup;
    this.filters.showCount();
    this.filters.drawHistogram();
    if (this.photo.isOpen) this.photo.fill();
    this.marks.refresh();
  }

  showCounts({ total, failed, matching }) {
    byId("none").hidden = total !== 0;
    const cards = this.query.groups ? `${countOf(total, "card")}  ·  ` : "";
    const scored = failed ? `  ·  ${(matching - failed).toLocaleString()} with a score` : "";
    byId("count").textContent = total === null ? "" : `${cards}${countOf(matching, "photo")}${scored}`;
  }

  /** Pictures come first, for the service has to pass over all photos. */
  async layOutLater(rows) {
    await this.grid.whenShown();
    if (rows === this.listing.rows) await this.layOut();
  }

  /** Make room for all photos, which takes longer than to show the first ones. */
  async layOut() {
    await this.attempt(async () => {
      this.showCounts(await this.listing.layOut());
      this.grid.extend();
    });
  }

  /** Photos in place of a stand-in and those around it; one request at a time. Whether they have come. */
  fill(row) {
    if (this.finding || this.filling) return this.filling ?? Promise.resolve(false);
    this.filling = this.attempt(async () => {
      const hasEnded = await this.listing.fill(row).finally(() => (this.filling = null));
      if (hasEnded) this.grid.extend();
      else this.grid.refill();
      if (this.photo.isOpen) this.photo.fillSteps();
    });
    return this.filling;
  }

  /** The rows from one to another of the grid, once all of them have come. */
  async fillBetween(first, last) {
    for (;;) {
      const rows = this.grid.rows.slice(first, last + 1);
      const missing = rows.find((row) => row.isStandIn);
      if (!missing) return rows;
      if (!(await this.fill(missing))) return rows.filter((row) => !row.isStandIn);
    }
  }

  /** Whether it went well; a request that a later one has overtaken is no news. */
  async attempt(action) {
    try {
      await action();
      return true;
    } catch (problem) {
      if (problem.name !== "AbortError") this.showMessage(problem.message);
      return false;
    }
  }

  /** One card for each group of look-alikes, or one for each photo. */
  toggleGroups() {
    if (!this.source.mayGroup) return;
    this.query.groups = this.query.groups ? "" : "1";
    saveChoice("groups", this.query.groups || "0");
    this.comparing = setTimeout(() => (byId("count").textContent = "Comparing photos with each other …"), 400);
    this.find();
  }

  /** The photo that is looked at, or whose card has the focus. */
  findFront() {
    const { grid, photo } = this;
    return photo.isOpen ? grid.rows.find(({ id }) => id === photo.id) : grid.rows[grid.current];
  }

  /** Open or close the group of a photo; under an open photo only open it, for its arrows to go through. */
  async toggleGroup(row = this.findFront()) {
    if (!row?.group || !this.query.groups) return;
    await this.workbench.attempt(() => this.grid.toggleGroup(row, this.photo.isOpen || undefined));
    const said = `${this.grid.groups.isOpen(row) ? "Open" : "Closed"}: ${describeKind(row)}`;
    if (this.marks.isUsable) this.marks.say(said);
    else byId("heard").textContent = said;
    if (this.photo.isOpen) this.photo.fillSteps();
    else if (!document.activeElement?.matches(".stack")) this.grid.focus();
  }

  // Marks and selection

  findRow(id) {
    if (this.photo.isOpen && this.photo.photo?.id === id) return this.photo.photo;
    return this.grid.rows.find((row) => row.id === id) ?? this.selection.rows.get(id);
  }

  /** The photos that a mark is meant for: what is looked at, else what is selected, else the card that has the focus. */
  findTargets() {
    if (this.workbench?.compare.isOpen) return [this.workbench.compare.activeId].filter(Boolean);
    if (this.photo.isOpen) return [this.photo.id];
    if (this.selection.size) return this.findMeant([...this.selection.rows.values()]);
    const isHere = this.isOnCard && document.activeElement?.closest?.(".card, #bar");
    return isHere && this.grid.rows.length ? this.findMeant([this.grid.rows[this.grid.current]]) : [];
  }

  /** The ids that cards stand for: a sequence that is kept whole is marked as a whole while its card is closed. */
  findMeant(rows) {
    const isClosed = (row) => this.query.groups && row.group?.photos && !this.grid.groups.isOpen(row);
    return rows.flatMap((row) => (isClosed(row) ? row.group.photos : [row.id]));
  }

  /** On the bar's buttons the card that had the focus before is still meant. */
  onFocus({ target }) {
    if (!target.closest?.("#bar")) this.isOnCard = Boolean(target.closest?.(".card"));
    this.marks.refresh();
  }

  showMarks() {
    if (this.photo.isOpen) {
      // The grid below shows another copy of the row
      const row = this.grid.rows.find(({ id }) => id === this.photo.id);
      if (row) row.mark = this.photo.photo.mark;
      this.photo.fillFacts();
    }
    this.grid.refreshCards();
    this.workbench.compare.refresh();
  }

  showSelection() {
    this.grid.refreshCards();
    this.workbench.refresh();
    this.marks.refresh();
  }

  placeBar() {
    const dialog = this.workbench.compare.isOpen ? byId("compare") : this.photo.isOpen ? byId("photo") : document.body;
    byId("selecting").hidden = dialog !== document.body;
    this.marks.place(dialog === byId("photo") ? byId("stage") : dialog);
    document.body.classList.toggle("marking", this.marks.isUsable);
    this.workbench.refresh();
  }

  showMessage(message) {
    byId("message").hidden = !message;
    byId("message").textContent = message;
  }

  /** Cards whose photos the browser has not read yet are filled as it goes on. */
  waitForPhotos() {
    const timer = setInterval(() => this.grid.draw(), 100);
    document.addEventListener("DOMContentLoaded", () => {
      clearInterval(timer);
      this.grid.draw();
    });
  }

  /** What holds for all photos. */
  fillAbout() {
    const { about } = this.source;
    if (!about) return;
    document.title = byId("title").textContent = about.title;
    const created = about.created && formatDate(`${about.created}T00:00`, { dateStyle: "long" });
    const scores = `Scores by ${about.model} (${about.model_hash}) on a scale of ${formatShort(about.low)} to ${formatShort(about.high)}`;
    const uncompared = about.uncompared && `${countOf(about.uncompared, "photo")} not compared with others: scan their folders again`;
    byId("about").textContent = [scores, about.rgnet && `rgnet ${about.rgnet}`, created, uncompared].filter(Boolean).join("  ·  ");
    this.filters.fill();
  }

  // The photo that the address names

  followAddress() {
    if (!this.source.about) return;
    const id = /^#photo=([\w-]+)$/.exec(location.hash)?.[1];
    if (id) {
      const index = this.grid.rows.findIndex((row) => row.id === id);
      if (index >= 0) this.grid.setCurrent(index);
      this.photo.show(id);
    } else if (this.photo.isOpen) {
      // The browser returns the focus to where it was before: the photo may be another one by now
      const { current } = this.grid;
      this.photo.hide();
      this.placeBar();
      this.grid.focus(current);
    }
  }

  closePhoto() {
    history.pushState(null, "", location.pathname + location.search);
    this.followAddress();
  }

  /** The id of the photo before or after one; null where there is none. */
  findNext(id, step) {
    const { rows } = this.grid;
    const index = rows.findIndex((row) => row.id === id);
    if (index < 0) return null;
    const [next, ahead] = [rows[index + step], rows[index + 20 * step]];
    if (next?.isStandIn || ahead?.isStandIn) this.fill(next.isStandIn ? next : ahead);
    return next && !next.isStandIn ? next.id : null;
  }

  // Keys

  onKey(event) {
    if (byId("help").open || byId("sidecars").open) return;
    const isTyping = event.target.matches?.("input:not([type=range], [type=radio]), select, textarea");
    if (!isTyping && (this.marks.onKey(event) || this.workbench.onKey(event))) {
      event.preventDefault();
      if (event.shiftKey) this.goNext();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey || this.workbench.compare.isOpen) return;
    if (event.key === "Escape" && !this.photo.isOpen) this.onEscape(event);
    if (isTyping) return;
    if (event.key === "?") byId("help").showModal();
    if (event.key === "s") this.toggleGroup();
    if (this.photo.isOpen) return;
    if (event.key === "/") byId("text").focus();
    else if (event.key === "g") this.toggleGroups();
    else if (event.key === "f") this.filters.toggle();
    else if (event.key.startsWith("Arrow") && event.target === document.body) this.grid.focus();
    else return;
    event.preventDefault();
  }

  goNext() {
    if (this.photo.isOpen) this.photo.go(1);
    else if (!this.workbench.compare.isOpen && !this.selection.size) this.grid.focus(this.grid.current + 1);
  }

  onEscape(event) {
    if (event.target === byId("text")) {
      byId("text").value = this.query.text = "";
      this.find().then(() => this.grid.focus(0));
    } else if (this.filters.isOpen) {
      this.filters.toggle(false);
      byId("filter").focus();
    } else if (this.selection.size) {
      this.selection.clear();
    }
  }
}

/** How rows are grouped in an order: a function of a row to a heading, undefined for none. */
function groupBy(sort) {
  const months = new Map();
  const month = (taken) => {
    const key = taken.slice(0, 7);
    if (!months.has(key)) months.set(key, formatDate(`${key}-01T00:00`, { month: "long", year: "numeric" }) ?? key);
    return months.get(key);
  };
  return (row) => {
    if (row.error) return NOT_SHOWN;
    if (sort === "folder") return row.folder;
    if (sort === "taken") return row.taken ? month(row.taken) : "No date";
    return undefined;
  };
}

const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  saveChoice("theme", theme);
  dispatchEvent(new Event("resize"));
}

const savedTheme = loadChoice("theme", ["light", "dark"]);
if (savedTheme) document.documentElement.dataset.theme = savedTheme;
new Page(openSource());
