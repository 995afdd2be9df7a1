"use strict";
// A photo's own page: the photo, the map and the graph over it, and its numbers with their meaning.

const LAYERS = ["none", "votes", "usual", "weights"];
const LAYER_HELP = {
  votes: "Votes: the score that each region would get on its own. The photo's score lies between their mean and their best.",
  usual: "Against usual: how much more or less than this model's mean map each region votes. The mean map is what it says of a place whatever the photo.",
  weights: "Weights: how much each region's vote moves the score, compared with an average region, which has 1.",
  whatIf: "What if: covering each part of the photo in turn and scoring it again …",
  none: "Votes and weights show what raises the score and what lowers it.",
};

const MAP_NAMES = { none: "Regions", votes: "Map of the votes", usual: "Map against usual", weights: "Map of the weights", whatIf: "What-if map" };

class PhotoPage {
  /** source: of photos; findNext: (id, step) => id or null; onShown: called with a photo; onClose: called to leave */
  constructor(source, { findNext, onShown, onClose }) {
    Object.assign(this, { source, findNext, onShown, onClose, dialog: byId("photo"), chosen: null, hovered: null });
    this.chosenLayer = loadChoice("layer", LAYERS) ?? "votes";
    this.opacity = 0.5;
    this.crop = new CropTool(source);
    document.querySelector(".keys .what-if").hidden = !source.whatIf;
    byId("opacity").value = this.opacity;
    byId("opacity").addEventListener("input", (event) => this.setOpacity(Number(event.target.value)));
    for (const input of document.getElementsByName("layer")) {
      input.addEventListener("change", () => (input.value === "whatIf" ? this.showWhatIf() : this.chooseLayer(input.value)));
    }
    byId("picture").addEventListener("error", () => this.showReason("The picture could not be loaded."));
    byId("close").addEventListener("click", onClose);
    byId("previous").addEventListener("click", () => this.go(-1));
    byId("next").addEventListener("click", () => this.go(1));
    this.dialog.addEventListener("cancel", (event) => this.onEscape(event));
    // Browsers close at a second Escape in a row without asking
    this.dialog.addEventListener("close", () => this.id !== null && onClose());
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    this.listenToPointer(byId("graph"));
    new ResizeObserver(() => this.drawGraph()).observe(byId("frame"));
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Open with a photo, or change to it. */
  async show(id) {
    this.id = id;
    Object.assign(this, { chosen: null, hovered: null });
    const { photo, detail } = await this.source.open(id).catch((problem) => ({ photo: noPhoto(id, problem), detail: null }));
    if (this.id !== id) return;
    Object.assign(this, { photo, detail: this.drawable(detail), address: detail?.picture, whatIf: null });
    this.fill();
    if (!this.isOpen) this.dialog.showModal();
    this.setLayer(this.chosenLayer);
    this.onShown();
  }

  /** What may be drawn over the photo: nothing where the model's maps mean nothing; with its mean map where that fits. */
  drawable(detail) {
    const { maps, usual } = this.source.about ?? {};
    if (!detail || maps) return null;
    const fits = usual && usual.length === detail.rows && usual[0].length === detail.columns;
    return fits ? { ...detail, usual: detail.votes.map((row, y) => row.map((vote, x) => vote - usual[y][x])) } : detail;
  }

  hide() {
    this.id = null;
    if (this.isOpen) this.dialog.close();
    byId("picture").removeAttribute("src");
  }

  go(step) {
    const id = this.findNext(this.id, step);
    if (id) location.replace(`#photo=${id}`);
  }

  // What is shown

  fill() {
    const { photo, detail } = this;
    byId("name").textContent = photo.name;
    byId("where").textContent = [photo.folder, formatDate(photo.taken), photo.camera].filter(Boolean).join("  ·  ");
    byId("scores").replaceChildren(...createScores(photo, this.source.about));
    this.fillFacts();
    this.fillSteps();
    this.fillPicture(photo);
    this.crop.fill(photo);
    byId("tools").hidden = !detail;
    byId("graph").hidden = byId("map").hidden = !detail;
    this.dialog.scrollTop = 0;
  }

  fillSteps() {
    byId("previous").disabled = !this.findNext(this.id, -1);
    byId("next").disabled = !this.findNext(this.id, 1);
  }

  fillFacts() {
    byId("facts").replaceChildren(...createFacts(this.photo, this.detail, this.source.about));
  }

  fillPicture(photo) {
    const address = photo.error ? null : (this.address ?? this.source.thumbnail(photo));
    this.showReason(address ? "" : (photo.error ?? "There is no picture of this photo."));
    if (!address) return;
    const image = byId("picture");
    image.src = address;
    image.alt = photo.name;
    const { style } = byId("stage");
    style.setProperty("--shape", photo.width / photo.height);
    style.setProperty("--most", `${Math.max(photo.width * 2, 640)}px`);
  }

  /** A reason in place of the photo; "" for none. */
  showReason(reason) {
    byId("missing").hidden = !reason;
    byId("frame").hidden = Boolean(reason);
    byId("missing").textContent = reason;
  }

  chooseLayer(name) {
    this.chosenLayer = name;
    saveChoice("layer", name);
    this.setLayer(name);
  }

  /** What can be shown over this photo: weights need the model. */
  findLayers() {
    return LAYERS.filter((name) => name === "none" || this.detail?.[name]);
  }

  /** Only a service computes it, and only while the file is there. */
  get hasWhatIf() {
    return Boolean(this.source.whatIf && this.detail && this.address);
  }

  /** For this photo alone: the next one begins with the layer that was chosen before. */
  async showWhatIf() {
    const { photo } = this;
    this.setLayer("whatIf");
    try {
      this.whatIf ??= makeWhatIf(await this.source.whatIf(photo));
    } catch (problem) {
      if (this.photo !== photo) return;
      if (this.layer === "whatIf") this.setLayer(this.chosenLayer);
      byId("layer-help").textContent = problem.message;
    }
    if (this.photo === photo && this.layer === "whatIf") this.setLayer("whatIf");
  }

  /** What lies over the photo: its parts have another grid than its regions. */
  get shown() {
    return this.layer === "whatIf" ? this.whatIf : this.detail;
  }

  setLayer(wanted) {
    const layers = [...this.findLayers(), ...(this.hasWhatIf ? ["whatIf"] : [])];
    const name = layers.includes(wanted) ? wanted : this.findLayers().at(-1);
    if ((name === "whatIf") !== (this.layer === "whatIf")) Object.assign(this, { chosen: null, hovered: null });
    this.layer = name;
    for (const input of document.getElementsByName("layer")) {
      input.checked = input.value === name;
      input.disabled = !layers.includes(input.value);
      input.parentElement.hidden = ["usual", "whatIf"].includes(input.value) && input.disabled;
    }
    const shown = name !== "none" && this.shown;
    byId("legend").hidden = byId("opacity-label").hidden = !shown;
    byId("frame").classList.toggle("under", Boolean(shown));
    const help = name === "whatIf" && shown ? describeWhatIf(shown) : LAYER_HELP[name];
    byId("layer-help").textContent = this.detail ? help : "";
    if (shown) this.fillLayer(makeLayer(shown, name));
    this.setOpacity(this.opacity);
    this.setRegion(this.chosen);
  }

  fillLayer(layer) {
    drawMap(byId("map"), layer, this.shown.rows, this.shown.columns);
    byId("from").textContent = layer.low.toFixed(2);
    byId("to").textContent = layer.high.toFixed(2);
    byId("unit").textContent = layer.unit;
    const value = { votes: this.photo.score, weights: 1, usual: 0, whatIf: 0 }[this.layer];
    const unit = (value - layer.low) / (layer.high - layer.low);
    byId("mark").hidden = !(unit >= 0 && unit <= 1);
    byId("mark").style.left = `${unit * 100}%`;
    byId("mark").title = { votes: "the photo's score", weights: "an average region", usual: "as usual", whatIf: "nothing" }[this.layer];
    drawColourBar(byId("colours"), layer.colour);
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    byId("map").style.opacity = this.layer === "none" || !this.shown ? 0 : opacity;
  }

  // Regions

  listenToPointer(canvas) {
    canvas.addEventListener("pointermove", (event) => this.hover(this.regionAt(event)));
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("click", (event) => {
      const region = this.regionAt(event);
      if (this.shown) this.setRegion(region === this.chosen ? null : region);
    });
  }

  regionAt(event) {
    const { rows, columns } = this.shown ?? this.detail;
    const box = byId("graph").getBoundingClientRect();
    const clampedIndex = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
    const row = clampedIndex((event.clientY - box.top) / box.height, rows);
    return row * columns + clampedIndex((event.clientX - box.left) / box.width, columns);
  }

  hover(region) {
    if (region === this.hovered || !this.shown) return;
    this.hovered = region;
    this.drawGraph();
    if (this.chosen === null) this.showRegion(region);
  }

  setRegion(region) {
    this.chosen = region;
    this.drawGraph();
    this.showRegion(region);
  }

  drawGraph() {
    if (this.isOpen && this.detail) drawGraph(byId("graph"), this.shown ?? this.detail, this.chosen, this.hovered);
  }

  showRegion(region) {
    const { detail, shown } = this;
    if (detail) byId("graph").setAttribute("aria-label", `${MAP_NAMES[this.layer]} of ${this.photo.name}. Press Enter to select the region with the best vote.`);
    byId("region").classList.toggle("chosen", region !== null);
    const describe = this.layer === "whatIf" ? createPart : createRegion;
    byId("region").replaceChildren(...(shown ? describe(shown, region, this.source.about) : []));
  }

  // Keys

  onEscape(event) {
    event.preventDefault();
    if (this.chosen !== null) this.setRegion(null);
    else this.onClose();
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const onMap = event.target === byId("graph");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (onMap && this.shown && this.onMapKey(event)) event.preventDefault();
    else if (step && !["range", "radio", "select-one"].includes(event.target.type)) this.go(step);
    else if (event.key.toLowerCase() === "k" && event.target.type !== "select-one") this.crop.toggle();
    else if (event.key.toLowerCase() === "m" && this.detail) {
      const layers = this.findLayers();
      this.chooseLayer(layers[(layers.indexOf(this.layer) + 1) % layers.length]);
    } else if (event.key.toLowerCase() === "w" && this.hasWhatIf && event.target.type !== "select-one") {
      if (this.layer === "whatIf") this.setLayer(this.chosenLayer);
      else this.showWhatIf();
    }
  }

  /** Whether the key was one of the map's. */
  onMapKey(event) {
    const { rows, columns, votes } = this.shown;
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

/** What stands for a photo that could not be opened. */
function noPhoto(id, problem) {
  const none = { score: null, percentile: null, probability: null, width: null, height: null, taken: null };
  return { id, name: "No such photo", path: "", folder: "", notes: [], engine: "", ...none, error: problem.message };
}
