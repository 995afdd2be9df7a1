"use strict";
// What is done with several photos: selecting, comparing, lists, sidecars, the system's viewer.

class Workbench {
  constructor(page) {
    Object.assign(this, { page, source: page.source, selection: page.selection, isSelecting: false });
    this.compare = new Compare(page.source, {
      onClose: () => page.placeBar(),
      onActive: () => page.marks.refresh(),
    });
    this.sidecars = new SidecarDialog(page.source, () => page.grid.focus());
    this.pairs = new PairDialog(page.source, () => page.grid.focus());
    byId("pairs-button").addEventListener("click", () => this.attempt(() => this.pairs.show()));
    byId("select").addEventListener("click", () => this.setSelecting(!this.isSelecting));
    byId("deselect").addEventListener("click", () => this.selection.clear());
    byId("compare-button").addEventListener("click", () => this.attempt(() => this.openCompare()));
    byId("copy").addEventListener("click", () => this.list((text, count) => copyText(text).then(() => `Copied ${countOf(count, "path")}`)));
    byId("download").addEventListener("click", () => this.list((text, count) => (downloadText("photos.txt", text), `List of ${countOf(count, "photo")}`)));
    byId("xmp").addEventListener("click", () => this.writeSidecars());
    byId("open-viewer").addEventListener("click", () => this.openViewer());
    page.grid.element.addEventListener("click", (event) => this.onClick(event));
    page.grid.element.addEventListener("keydown", ({ key }) => (this.isEnter = key === "Enter"));
  }

  refresh() {
    const count = this.selection.size;
    byId("selected").textContent = count ? ` · ${count}` : "";
    byId("deselect").hidden = !count;
    byId("open-viewer").hidden = !this.source.about?.may_open;
    byId("compare-button").disabled = count === 1 || count > MOST_FRAMES;
  }

  setSelecting(isSelecting) {
    this.isSelecting = isSelecting;
    byId("select").setAttribute("aria-pressed", isSelecting);
  }

  /** A click on a card selects it while selecting, or with Ctrl; with Shift all up to it. Enter opens it, as ever. */
  onClick(event) {
    const card = event.target.closest(".card");
    const isEnter = this.isEnter;
    this.isEnter = false;
    if (!card || isEnter || !this.page.marks.isUsable) return;
    if (!(this.isSelecting || event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    const index = Number(card.dataset.index);
    const last = this.last ?? index;
    const { rows } = this.page.grid;
    if (event.shiftKey) this.page.fillBetween(Math.min(last, index), Math.max(last, index)).then((all) => this.selection.add(all));
    else this.selection.toggle(rows[index]);
    this.last = index;
  }

  /** Whether the key was one of these. */
  onKey(event) {
    if (!this.page.marks.isUsable || event.altKey || event.ctrlKey || event.metaKey) return false;
    const key = event.key.toLowerCase();
    if (key === "o" && this.source.about.may_open) this.openViewer();
    else if (this.compare.isOpen) return false;
    else if (key === "c") this.attempt(() => this.openCompare());
    else if (key === " " && event.target.closest?.(".card a")) this.selection.toggle(this.page.grid.rows[this.page.grid.current]);
    else return false;
    return true;
  }

  /** The selected photos; else the photo in front with those after it: of its look-alikes, or the next one. */
  async findCompared() {
    const { grid } = this.page;
    if (this.selection.size && !this.page.photo.isOpen) return [...this.selection.rows.values()];
    const front = this.page.findFront();
    const start = grid.rows.indexOf(front);
    await grid.toggleGroup(front, true);
    const alike = grid.groups.photosOf(front);
    const place = Math.min(alike.indexOf(front), alike.length - 2);
    return alike.length > 1 ? alike.slice(place, place + MOST_FRAMES) : grid.rows.slice(start, start + 2);
  }

  async openCompare() {
    if (this.compare.isOpen) return;
    const rows = (await this.findCompared()).filter((row) => row && !row.error && !row.isStandIn);
    if (rows.length < 2) return this.page.marks.say("Select two to four photos with a picture to compare them.");
    this.compare.show(rows);
    this.page.placeBar();
  }

  /** {id, path} of the selected photos, or of all that match. */
  async findChosen() {
    const { rows, size } = this.selection;
    return size ? [...rows.values()] : this.source.paths(this.page.query);
  }

  async list(take) {
    await this.attempt(async () => {
      const chosen = await this.findChosen();
      this.page.marks.say(await take(chosen.map(({ path }) => `${path}\n`).join(""), chosen.length));
    });
  }

  async writeSidecars() {
    await this.attempt(async () => {
      const ids = (await this.findChosen()).map(({ id }) => id).filter((id) => /^\d+$/.test(id));
      if (ids.length) await this.sidecars.show(ids);
    });
  }

  async openViewer() {
    await this.attempt(async () => {
      for (const id of this.page.findTargets().slice(0, MOST_FRAMES)) await this.source.openInViewer(id);
    });
  }

  async attempt(action) {
    try {
      this.page.showMessage("");
      await this.page.marks.turn;
      await action();
    } catch (problem) {
      this.page.showMessage(problem.message);
    }
  }
}
