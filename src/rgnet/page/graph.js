"use strict";
// The graph of a photo's regions, drawn over it.

/** The regions that one is compared with more than with an average region, strongest first: [{region, weight}].
 *  null where the graph is not known. */
function findNeighbours({ edges, rows, columns }, region) {
  if (!edges) return null;
  const bytes = Uint8Array.from(atob(edges.data), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const count = rows * columns * edges.count;
  return Array.from({ length: edges.count }, (_, index) => {
    const position = region * edges.count + index;
    return { region: view.getUint16(position * 2, true), weight: (bytes[count * 2 + position] / 255) * edges.most };
  }).filter(({ weight }) => weight * rows * columns > 1);
}

/** Outline the region under the pointer, and highlight the chosen one with its neighbours and the edges between. */
function drawGraph(canvas, detail, chosen, hovered) {
  const [context, width, height] = prepareCanvas(canvas);
  const { rows, columns } = detail;
  const boxOf = (region) => {
    const [row, column] = [Math.floor(region / columns), region % columns];
    return [(column * width) / columns, (row * height) / rows, width / columns, height / rows];
  };
  if (chosen !== null) drawChosen(context, boxOf, chosen, findNeighbours(detail, chosen) ?? [], [width, height]);
  if (hovered !== null && hovered !== chosen) drawOutline(context, boxOf(hovered), 1.5);
}

function drawChosen(context, boxOf, chosen, neighbours, [width, height]) {
  context.fillStyle = "rgb(0 0 0 / 0.45)";
  context.beginPath();
  context.rect(0, 0, width, height);
  for (const region of [chosen, ...neighbours.map((edge) => edge.region)]) context.rect(...boxOf(region));
  context.fill("evenodd");

  const strongest = Math.max(...neighbours.map((edge) => edge.weight), 1e-9);
  const size = Math.min(1, Math.min(...boxOf(chosen).slice(2)) / 44);
  for (const { region, weight } of [...neighbours].reverse()) {
    drawEdge(context, middleOf(boxOf(chosen)), middleOf(boxOf(region)), { strength: weight / strongest, size });
  }
  for (const { region } of neighbours) drawOutline(context, boxOf(region), 1);
  drawOutline(context, boxOf(chosen), 2.5);
}

/** A curved line, light on a dark border, so that it can be seen on every photo. */
function drawEdge(context, [x, y], [u, v], { strength, size }) {
  const bend = 0.18;
  const thickness = (0.75 + 3.25 * strength ** 2) * size;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(x, y);
  context.quadraticCurveTo((x + u) / 2 - (v - y) * bend, (y + v) / 2 + (u - x) * bend, u, v);
  for (const [colour, width] of [["rgb(0 0 0 / 0.55)", thickness + 1.5], ["#fff", thickness]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(u, v, (1.5 + 2.5 * strength) * size, 0, 2 * Math.PI);
  context.fill();
}

function drawOutline(context, [x, y, width, height], thickness) {
  for (const [colour, line] of [["rgb(0 0 0 / 0.6)", thickness + 2], ["#fff", thickness]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

const middleOf = ([x, y, width, height]) => [x + width / 2, y + height / 2];
