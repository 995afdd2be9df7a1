"use strict";
// The map of a photo's regions, and the graph over it.

const FINE = 16; // pixels a region
const SPAN = 0.05; // of the scale, that a map's colours cover at least

/** What a layer of a detail shows: {values, low, high, unit}, values row by row. */
function layerOf(detail, name) {
  const values = Float32Array.from(detail[name].flat());
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  if (name === "weights") return { values, low: 0, high: Math.max(most, 1), unit: "weight, in even shares" };
  const room = Math.max(0, SPAN * (detail.high - detail.low) - (most - least)) / 2;
  const unit = `vote, on the scale ${short(detail.low)} to ${short(detail.high)}`;
  return { values, low: least - room, high: most + room, unit };
}

/** Paint values smoothly: the curve through the regions' middles, coloured after it is drawn. */
function paintMap(canvas, { values, low, high }, rows, columns) {
  canvas.width = columns * FINE;
  canvas.height = rows * FINE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const table = Array.from({ length: 256 }, (_, index) => [...viridis(index / 255), 255]);
  const scale = 255 / (high - low || 1);
  const wide = smoothed(values, rows, columns, 1, columns);
  smoothed(wide, canvas.width, rows, canvas.width, 1).forEach((value, pixel) => {
    // A curve through the middles may swing beyond the ends
    image.data.set(table[Math.round(Math.min(Math.max((value - low) * scale, 0), 255))], pixel * 4);
  });
  context.putImageData(image, 0, 0);
}

/** `lines` lines of `count` values each become lines of FINE times as many; steps lead along a line and to the next. */
function smoothed(values, lines, count, along, next) {
  const fine = new Float32Array(lines * count * FINE);
  const [stepAlong, stepNext] = along === 1 ? [1, count * FINE] : [along, 1];
  taps(count).forEach((tap, place) => {
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (const [index, share] of tap) sum += values[line * next + index * along] * share;
      fine[line * stepNext + place * stepAlong] = sum;
    }
  });
  return fine;
}

/** For each fine pixel the four regions it lies among and their shares (Catmull-Rom), the outermost repeated. */
function taps(count) {
  return Array.from({ length: count * FINE }, (_, pixel) => {
    const place = (pixel + 0.5) / FINE - 0.5;
    const first = Math.floor(place);
    const t = place - first;
    const shares = [
      ((-t + 2) * t - 1) * t * 0.5,
      ((3 * t - 5) * t * t + 2) * 0.5,
      ((-3 * t + 4) * t + 1) * t * 0.5,
      (t - 1) * t * t * 0.5,
    ];
    return shares.map((share, index) => [Math.min(Math.max(first - 1 + index, 0), count - 1), share]);
  });
}

/** The neighbours that a region hears more than an even share, strongest first: [{region, weight}]; null where the
 *  graph is not known. */
function neighbours({ edges, rows, columns }, region) {
  if (!edges) return null;
  const bytes = Uint8Array.from(atob(edges.data), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const all = rows * columns * edges.count;
  return Array.from({ length: edges.count }, (_, index) => {
    const place = region * edges.count + index;
    return { region: view.getUint16(place * 2, true), weight: (bytes[all * 2 + place] / 255) * edges.most };
  }).filter(({ weight }) => weight * rows * columns > 1);
}

/** Draw over the photo: one region in the light with those it is judged together with, and the edges between. */
function drawGraph(canvas, detail, chosen, hovered) {
  const [context, width, height] = sharp(canvas);
  const { rows, columns } = detail;
  const box = (region) => {
    const [row, column] = [Math.floor(region / columns), region % columns];
    return [(column * width) / columns, (row * height) / rows, width / columns, height / rows];
  };
  if (chosen !== null) drawChosen(context, box, chosen, neighbours(detail, chosen) ?? [], [width, height]);
  if (hovered !== null && hovered !== chosen) outline(context, box(hovered), 1.5);
}

function drawChosen(context, box, chosen, near, [width, height]) {
  context.fillStyle = "rgb(0 0 0 / 0.45)";
  context.beginPath();
  context.rect(0, 0, width, height);
  for (const region of [chosen, ...near.map((edge) => edge.region)]) context.rect(...box(region));
  context.fill("evenodd");

  const most = Math.max(...near.map((edge) => edge.weight), 1e-9);
  const size = Math.min(1, Math.min(...box(chosen).slice(2)) / 44);
  for (const { region, weight } of [...near].reverse()) {
    drawEdge(context, middle(box(chosen)), middle(box(region)), { strength: weight / most, size });
  }
  for (const { region } of near) outline(context, box(region), 1);
  outline(context, box(chosen), 2.5);
}

/** A bowed line, dark below and light above, so that it is seen on every photo. */
function drawEdge(context, [x, y], [u, v], { strength, size }) {
  const bow = 0.18;
  const wide = (0.75 + 3.25 * strength ** 2) * size;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(x, y);
  context.quadraticCurveTo((x + u) / 2 - (v - y) * bow, (y + v) / 2 + (u - x) * bow, u, v);
  for (const [colour, line] of [["rgb(0 0 0 / 0.55)", wide + 1.5], ["#fff", wide]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.stroke();
  }
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(u, v, (1.5 + 2.5 * strength) * size, 0, 2 * Math.PI);
  context.fill();
}

function outline(context, [x, y, width, height], wide) {
  for (const [colour, line] of [["rgb(0 0 0 / 0.6)", wide + 2], ["#fff", wide]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

const middle = ([x, y, width, height]) => [x + width / 2, y + height / 2];
