"use strict";
// The filters above the grid, and the range of scores under the histogram of all photos.

const BARS = 40;
const NO_FILTER = { min: null, max: null, since: "", until: "", folder: "", text: "", marks: "", errors: "1" };

class Filters {
  /** query: to be changed; find: called at once, findSoon: after a while without another change; onToggle: when they open */
  constructor(source, query, { find, findSoon, onToggle }) {
    Object.assign(this, { source, query, find, findSoon, onToggle });
    for (const name of ["text", "folder", "since", "until", "marks", "errors"]) {
      byId(name).addEventListener("input", (event) => {
        query[name] = event.target.value.trim();
        findSoon();
      });
    }
    byId("min").addEventListener("input", () => this.setRange());
    byId("max").addEventListener("input", () => this.setRange());
    byId("filter").addEventListener("click", () => this.toggle());
    byId("filters").addEventListener("reset", () => setTimeout(() => this.clear()));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => byId("filters").reset());
    addEventListener("resize", () => this.drawHistogram());
  }

  get isOpen() {
    return !byId("filters").hidden;
  }

  toggle(isOpen = !this.isOpen) {
    byId("filters").hidden = !isOpen;
    byId("filter").setAttribute("aria-expanded", isOpen);
    this.drawHistogram();
    this.onToggle();
    if (isOpen) byId("min").focus({ preventScroll: true });
  }

  clear() {
    Object.assign(this.query, NO_FILTER);
    byId("text").value = "";
    this.resetRange();
    this.find();
  }

  /** How many are set; the text is seen anyway. */
  showCount() {
    const active = Object.keys(NO_FILTER).filter((name) => name !== "text" && this.query[name] !== NO_FILTER[name]);
    byId("active").hidden = !active.length;
    byId("active").textContent = ` · ${active.length}`;
  }

  /** What there is to choose from. */
  fill() {
    const { about, folders } = this.source;
    byId("folders").replaceChildren(...folders.map((folder) => create("option", { value: folder })));
    for (const id of ["min", "max"]) Object.assign(byId(id), { min: about.low, max: about.high });
    this.resetRange();
  }

  resetRange() {
    const { low, high } = this.source.about;
    [byId("min").value, byId("max").value] = [low, high];
    this.showRange();
  }

  setRange() {
    const { low, high } = this.source.about;
    const [one, other] = [Number(byId("min").value), Number(byId("max").value)];
    const [min, max] = [Math.min(one, other), Math.max(one, other)];
    // A score may lie beyond the scale by a rounding: an end that is not moved filters nothing
    this.query.min = min > low ? Math.round(min * 100) / 100 : null;
    this.query.max = max < high ? Math.round(max * 100) / 100 : null;
    this.showRange();
    this.findSoon();
  }

  showRange() {
    const { low, high } = this.source.about;
    byId("between").textContent = `${(this.query.min ?? low).toFixed(2)} – ${(this.query.max ?? high).toFixed(2)}`;
    this.drawHistogram();
  }

  drawHistogram() {
    const { about } = this.source;
    if (!about || !this.isOpen) return;
    const unit = (score) => (score - about.low) / (about.high - about.low);
    const { min, max } = this.query;
    drawHistogram(byId("histogram"), this.source.histogram(BARS), unit(min ?? about.low), unit(max ?? about.high));
  }
}
