"use strict";
// A photo's own page: the photo, the map and the graph over it, and its numbers with their meaning.

const LAYERS = ["none", "votes", "weights"];
const HOW = {
  votes: "Votes: what every region would get by itself. The photo's score lies between their mean and their best.",
  weights: "Weights: how far each region's vote moves the score. They sum to as many even shares as there are regions, so 1 is a region like all others.",
  none: "Votes and weights show what lifts the score and what sinks it.",
};

class PhotoPage {
  /** source: of photos; neighbour: (id, step) => id or null; close: called to leave */
  constructor(source, { neighbour, close }) {
    Object.assign(this, { source, neighbour, close, dialog: at("photo"), chosen: null, hovered: null });
    this.chosenLayer = kept("layer", LAYERS) ?? "votes";
    this.veil = 0.5;
    at("veil").value = this.veil;
    at("veil").addEventListener("input", (event) => this.setVeil(Number(event.target.value)));
    for (const input of document.getElementsByName("layer")) {
      input.addEventListener("change", () => this.chooseLayer(input.value));
    }
    at("picture").addEventListener("error", () => this.showMissing("The picture could not be loaded."));
    at("close").addEventListener("click", close);
    at("previous").addEventListener("click", () => this.go(-1));
    at("next").addEventListener("click", () => this.go(1));
    this.dialog.addEventListener("cancel", (event) => this.escape(event));
    // Browsers close at a second Escape in a row without asking
    this.dialog.addEventListener("close", () => this.id !== null && close());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.listen(at("graph"));
    paintRamp(at("ramp"));
    new ResizeObserver(() => this.drawGraph()).observe(at("frame"));
  }

  get open() {
    return this.dialog.open;
  }

  /** Open on a photo, or turn to it. */
  async show(id) {
    this.id = id;
    Object.assign(this, { chosen: null, hovered: null });
    const { photo, detail } = await this.source.one(id).catch((problem) => ({ photo: missing(id, problem), detail: null }));
    if (this.id !== id) return;
    Object.assign(this, { photo, detail });
    this.fill();
    if (!this.open) this.dialog.showModal();
    this.setLayer(this.chosenLayer);
  }

  hide() {
    this.id = null;
    if (this.open) this.dialog.close();
    at("picture").removeAttribute("src");
  }

  go(step) {
    const id = this.neighbour(this.id, step);
    if (id) location.replace(`#photo=${id}`);
  }

  // What is shown

  fill() {
    const { photo, detail } = this;
    at("name").textContent = photo.name;
    at("where").textContent = [photo.folder, day(photo.taken), photo.camera].filter(Boolean).join("  ·  ");
    at("marks").replaceChildren(...marksOf(photo, this.source.about));
    at("facts").replaceChildren(...factsOf(photo, detail, this.source.about));
    at("previous").disabled = !this.neighbour(this.id, -1);
    at("next").disabled = !this.neighbour(this.id, 1);
    this.fillPicture(photo, detail);
    at("tools").hidden = !detail;
    at("graph").hidden = at("map").hidden = !detail;
    this.dialog.scrollTop = 0;
  }

  fillPicture(photo, detail) {
    const address = photo.error ? null : (detail?.picture ?? this.source.thumbnail(photo));
    this.showMissing(address ? "" : photo.error ? reasonOf(photo) : "There is no picture of this photo here.");
    if (!address) return;
    const image = at("picture");
    image.src = address;
    image.alt = `The photo ${photo.name}`;
    const { style } = at("stage");
    style.setProperty("--shape", photo.width / photo.height);
    style.setProperty("--most", `${Math.max(photo.width * 2, 640)}px`);
  }

  /** A reason in place of the photo; "" for none. */
  showMissing(reason) {
    at("missing").hidden = !reason;
    at("frame").hidden = Boolean(reason);
    at("missing").textContent = reason;
  }

  chooseLayer(name) {
    this.chosenLayer = name;
    keep("layer", name);
    this.setLayer(name);
  }

  /** What can be shown of this photo: weights need the model at hand. */
  layers() {
    return LAYERS.filter((name) => name === "none" || this.detail?.[name]);
  }

  setLayer(wanted) {
    const layers = this.layers();
    const name = layers.includes(wanted) ? wanted : layers.at(-1);
    this.layer = name;
    for (const input of document.getElementsByName("layer")) {
      input.checked = input.value === name;
      input.disabled = !layers.includes(input.value);
    }
    const shown = name !== "none" && this.detail;
    at("legend").hidden = at("veil-label").hidden = !shown;
    at("frame").classList.toggle("under", Boolean(shown));
    at("how").textContent = this.detail ? HOW[name] : "";
    if (shown) this.fillLayer(layerOf(this.detail, name));
    this.setVeil(this.veil);
    this.setRegion(this.chosen);
  }

  fillLayer(layer) {
    paintMap(at("map"), layer, this.detail.rows, this.detail.columns);
    at("from").textContent = layer.low.toFixed(2);
    at("to").textContent = layer.high.toFixed(2);
    at("unit").textContent = layer.unit;
    const place = this.layer === "votes" ? this.photo.score : 1;
    const unit = (place - layer.low) / (layer.high - layer.low);
    at("mark").hidden = !(unit >= 0 && unit <= 1);
    at("mark").style.left = `${unit * 100}%`;
    at("mark").title = this.layer === "votes" ? "the photo's score" : "an even share";
  }

  setVeil(opacity) {
    this.veil = opacity;
    at("map").style.opacity = this.layer === "none" ? 0 : opacity;
  }

  // Regions

  listen(canvas) {
    canvas.addEventListener("pointermove", (event) => this.hover(this.regionAt(event)));
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("click", (event) => {
      const region = this.regionAt(event);
      this.setRegion(region === this.chosen ? null : region);
    });
  }

  regionAt(event) {
    const { rows, columns } = this.detail;
    const box = at("graph").getBoundingClientRect();
    const place = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
    const row = place((event.clientY - box.top) / box.height, rows);
    return row * columns + place((event.clientX - box.left) / box.width, columns);
  }

  hover(region) {
    if (region === this.hovered) return;
    this.hovered = region;
    this.drawGraph();
    if (this.chosen === null) this.tellRegion(region);
  }

  setRegion(region) {
    this.chosen = region;
    this.drawGraph();
    this.tellRegion(region);
  }

  drawGraph() {
    if (this.open && this.detail) drawGraph(at("graph"), this.detail, this.chosen, this.hovered);
  }

  tellRegion(region) {
    const { detail } = this;
    if (detail) at("graph").setAttribute("aria-label", `${this.layer === "none" ? "Regions" : `The ${this.layer} of the regions`} of ${this.photo.name}. Enter chooses the region with the best vote.`);
    at("region").classList.toggle("chosen", region !== null);
    at("region").replaceChildren(...(detail ? regionOf(detail, region, this.source.about) : []));
  }

  // Keys

  escape(event) {
    event.preventDefault();
    if (this.chosen !== null) this.setRegion(null);
    else this.close();
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const onMap = event.target === at("graph");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (onMap && this.detail && this.mapKey(event)) event.preventDefault();
    else if (step && event.target.type !== "range" && event.target.type !== "radio") this.go(step);
    else if (event.key.toLowerCase() === "m" && this.detail) {
      const layers = this.layers();
      this.chooseLayer(layers[(layers.indexOf(this.layer) + 1) % layers.length]);
    }
  }

  /** Whether the key was one of the map's. */
  mapKey(event) {
    const { rows, columns, votes } = this.detail;
    if (event.key === "Enter" || event.key === " ") {
      const flat = votes.flat();
      this.setRegion(flat.indexOf(Math.max(...flat)));
      return true;
    }
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move || this.chosen === null) return false;
    const row = Math.min(Math.max(Math.floor(this.chosen / columns) + move[0], 0), rows - 1);
    const column = Math.min(Math.max((this.chosen % columns) + move[1], 0), columns - 1);
    this.setRegion(row * columns + column);
    return true;
  }
}

function missing(id, problem) {
  const none = { score: null, percentile: null, probability: null, width: null, height: null, taken: null };
  return { id, name: "No such photo", path: "", folder: "", notes: [], engine: "", ...none, error: problem.message };
}
