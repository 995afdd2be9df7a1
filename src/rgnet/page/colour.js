"use strict";
// Colour: viridis, perceptually uniform and readable in greyscale (matplotlib's, CC0), at 17 stops.

const VIRIDIS = [
  0x440154, 0x48186a, 0x472d7b, 0x424086, 0x3b528b, 0x33638d, 0x2c728e, 0x26828e, 0x21918c,
  0x1fa088, 0x28ae80, 0x3fbc73, 0x5ec962, 0x84d44b, 0xaddc30, 0xd8e219, 0xfde725,
];

/** [red, green, blue], 0 to 255, of a number between 0 and 1. */
function viridis(unit) {
  const position = Math.min(Math.max(unit, 0), 1) * (VIRIDIS.length - 1);
  const stop = Math.min(Math.floor(position), VIRIDIS.length - 2);
  return [16, 8, 0].map((shift) => {
    const [low, high] = [VIRIDIS[stop], VIRIDIS[stop + 1]].map((colour) => (colour >> shift) & 255);
    return Math.round(low + (high - low) * (position - stop));
  });
}

/** The same from blue by white to orange: the middle is neither. */
function blueToOrange(unit) {
  const [blue, white, orange] = [[33, 102, 172], [247, 247, 247], [217, 95, 2]];
  const side = unit < 0.5 ? blue : orange;
  const share = Math.min(1, Math.abs(unit - 0.5) * 2);
  return white.map((middle, index) => Math.round(middle + (side[index] - middle) * share));
}

/** The colours from low to high on a canvas one pixel high. */
function drawColourBar(canvas, colour) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, 1);
  for (let x = 0; x < canvas.width; x++) {
    image.data.set([...colour(x / (canvas.width - 1)), 255], x * 4);
  }
  context.putImageData(image, 0, 0);
}

/** A histogram whose bars between `first` and `last` (0 to 1) stand out. */
function drawHistogram(canvas, counts, first, last) {
  const [context, width, height] = prepareCanvas(canvas);
  const most = Math.max(1, ...counts);
  const step = width / counts.length;
  context.fillStyle = getComputedStyle(canvas).color;
  counts.forEach((count, index) => {
    const middle = (index + 0.5) / counts.length;
    context.globalAlpha = middle >= first && middle <= last ? 0.75 : 0.18;
    const barHeight = count && Math.max(1, (count / most) * height);
    context.fillRect(index * step + 0.5, height - barHeight, Math.max(1, step - 1), barHeight);
  });
}

/** [context, width, height] of a canvas that is cleared and has a pixel for each of the screen's. */
function prepareCanvas(canvas) {
  const density = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d");
  context.scale(density, density);
  return [context, width, height];
}
