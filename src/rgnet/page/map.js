"use strict";
// The map of a photo's regions.

const FINE = 16; // pixels for each region
const SMALLEST_SPAN = 0.05; // share of the scale that a map's colours cover at least

/** What a layer of a detail shows: {values, low, high, unit, colour}, values row by row. */
function makeLayer(detail, name) {
  const values = Float32Array.from(detail[name].flat());
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  if (name === "whatIf") return makeWhatIfLayer(values);
  if (name === "weights") return { values, low: 0, high: Math.max(most, 1), unit: "weight (average region = 1)", colour: viridis };
  if (name === "usual") {
    const end = Math.max(-least, most, (SMALLEST_SPAN * (detail.high - detail.low)) / 2);
    return { values, low: -end, high: end, unit: "less or more than usual here", colour: blueToOrange };
  }
  const padding = Math.max(0, SMALLEST_SPAN * (detail.high - detail.low) - (most - least)) / 2;
  const unit = `vote, on the scale ${formatShort(detail.low)} to ${formatShort(detail.high)}`;
  return { values, low: least - padding, high: most + padding, unit, colour: viridis };
}

/** Paint values smoothly: a curve through the middles of the regions, coloured after interpolation. */
function drawMap(canvas, { values, low, high, colour }, rows, columns) {
  canvas.width = columns * FINE;
  canvas.height = rows * FINE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const table = Array.from({ length: 256 }, (_, index) => [...colour(index / 255), 255]);
  const scale = 255 / (high - low || 1);
  const wide = interpolate(values, rows, columns, 1, columns);
  interpolate(wide, canvas.width, rows, canvas.width, 1).forEach((value, pixel) => {
    // A curve through the middles may swing beyond the ends
    image.data.set(table[Math.round(Math.min(Math.max((value - low) * scale, 0), 255))], pixel * 4);
  });
  context.putImageData(image, 0, 0);
}

/** `lines` lines of `count` values each become lines of FINE times as many; steps lead along a line and to the next. */
function interpolate(values, lines, count, along, next) {
  const fine = new Float32Array(lines * count * FINE);
  const [stepAlong, stepNext] = along === 1 ? [1, count * FINE] : [along, 1];
  findTaps(count).forEach((taps, position) => {
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (const [index, share] of taps) sum += values[line * next + index * along] * share;
      fine[line * stepNext + position * stepAlong] = sum;
    }
  });
  return fine;
}

/** For each fine pixel the four regions around it and their shares (Catmull-Rom), the outermost repeated. */
function findTaps(count) {
  return Array.from({ length: count * FINE }, (_, pixel) => {
    const position = (pixel + 0.5) / FINE - 0.5;
    const first = Math.floor(position);
    const t = position - first;
    const shares = [
      ((-t + 2) * t - 1) * t * 0.5,
      ((3 * t - 5) * t * t + 2) * 0.5,
      ((-3 * t + 4) * t + 1) * t * 0.5,
      (t - 1) * t * t * 0.5,
    ];
    return shares.map((share, index) => [Math.min(Math.max(first - 1 + index, 0), count - 1), share]);
  });
}
