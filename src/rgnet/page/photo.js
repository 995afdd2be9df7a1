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
    at("close").addEventListener("click", close);
    at("previous").addEventListener("click", () => this.go(-1));
    at("next").addEventListener("click", () => this.go(1));
    this.dialog.addEventListener("cancel", (event) => this.escape(event));
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
    at("missing").hidden = Boolean(address);
    at("frame").hidden = !address;
    at("missing").textContent = photo.error ?? "There is no picture of this photo here.";
    if (!address) return;
    const image = at("picture");
    image.src = address;
    image.alt = `The photo ${photo.name}`;
    const { style } = at("stage");
    style.setProperty("--shape", photo.width / photo.height);
    style.setProperty("--most", `${Math.max(photo.width * 2, 640)}px`);
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
  return { id, name: "No such photo", folder: "", notes: [], engine: "", ...none, error: problem.message };
}

/** The score on its scale, and the percentile, each with a sentence of its meaning. */
function marksOf(photo, { low, high, people }) {
  if (photo.score === null) return [];
  const ends = `${short(low)} to ${short(high)}`;
  const dot = make("i", {});
  dot.style.left = `${(100 * (photo.score - low)) / (high - low)}%`;
  const line = make("div", { className: "line" }, make("span", {}, short(low)), make("div", {}, dot), make("span", {}, short(high)));
  line.setAttribute("aria-hidden", "true");
  return [
    mark(photo.score.toFixed(2), "Score", `What people would give it on average, on a scale of ${ends}.${people ? ` Learned from ${people}.` : ""}`, line),
    mark(`${Math.round(photo.percentile)} %`, "Percentile", "Of the photos that people rated, this share was liked less."),
    ...(photo.probability === null ? [] : [mark(photo.probability.toFixed(2), `Class ${photo.label}`, "The model's probability that people would call it a good photo.")]),
  ];
}

function mark(number, name, meaning, ...more) {
  return make("div", { className: "mark" }, make("p", { className: "term" }, name), make("p", { className: "number" }, number), ...more, make("p", { className: "how" }, meaning));
}

function factsOf(photo, detail, about) {
  const votes = detail?.votes.flat();
  const spread = votes && `${Math.min(...votes).toFixed(2)} to ${Math.max(...votes).toFixed(2)}, of ${detail.rows} × ${detail.columns} regions`;
  const graph = detail && !detail.edges && (about.graph ?? "Not known here.");
  const facts = {
    Votes: spread,
    Size: photo.width && `${photo.width} × ${photo.height} pixels, upright`,
    Notes: photo.notes.join("; "),
    Graph: graph,
    Model: `${about.model} (${about.model_hash})${photo.engine ? `, ${photo.engine}` : ""}`,
    File: photo.path,
  };
  return Object.entries(facts)
    .filter(([, value]) => value)
    .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
}

/** A region's numbers, or how to get at them. */
function regionOf(detail, region, about) {
  if (region === null) return [make("p", { className: "how" }, "Click or tap a region of the photo to see its vote and the regions it is judged together with.")];
  const [row, column] = [Math.floor(region / detail.columns), region % detail.columns];
  const near = neighbours(detail, region);
  const heard = near && near.reduce((sum, edge) => sum + edge.weight, 0);
  const vote = detail.votes[row][column];
  const weight = detail.weights?.[row][column].toFixed(2);
  const numbers = [
    mark(vote.toFixed(2), "Vote", ""),
    ...(weight ? [mark(`× ${weight}`, "Weight", "")] : []),
    ...(near ? [mark(`${Math.round(heard * 100)} %`, "Neighbours", "")] : []),
  ];
  const pull = `It would get ${vote.toFixed(2)} by itself${weight ? `, and pulls at the score like ${weight} regions among equals` : ""}.`;
  const graph = near
    ? `The ${near.length} regions drawn make up ${Math.round(heard * 100)} % of what it is judged together with; thicker lines are stronger.`
    : (about.graph ?? "The graph of this photo is not known here.");
  return [
    make("p", { className: "term" }, `Region in row ${row + 1}, column ${column + 1}`),
    make("div", { className: "numbers" }, ...numbers),
    make("p", { className: "how" }, `${pull} ${graph}`),
  ];
}

/** A day and time as people write them. */
function day(taken, options = { dateStyle: "long", timeStyle: "short" }) {
  const moment = taken ? new Date(taken) : null;
  return moment && !Number.isNaN(moment.getTime()) ? new Intl.DateTimeFormat(undefined, options).format(moment) : null;
}

const at = (id) => document.getElementById(id);

/** A choice kept from one visit to the next, where the browser allows it. */
function keep(name, value) {
  try {
    localStorage.setItem(`rgnet-${name}`, value);
  } catch {
    // A page that may not keep anything works all the same
  }
}

function kept(name, allowed) {
  try {
    const value = localStorage.getItem(`rgnet-${name}`);
    return allowed.includes(value) ? value : null;
  } catch {
    return null;
  }
}
