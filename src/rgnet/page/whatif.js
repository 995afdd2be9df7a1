"use strict";
// What each part of a photo is worth to its score: asked of the service when somebody wants to see it.

const SMALLEST_EFFECT = 0.02; // points that the colours cover at least, to either side

/** A detail as of a map, of {grid, effect}: its votes are points, more than 0 where a part lifts the score. */
function makeWhatIf({ grid: [rows, columns], effect }) {
  return { rows, columns, votes: effect, whatIf: effect, weights: null, edges: null };
}

function makeWhatIfLayer(values) {
  const end = values.reduce((most, value) => Math.max(most, Math.abs(value)), SMALLEST_EFFECT);
  return { values, low: -end, high: end, unit: "points of the score that the part adds", colour: (unit) => blueToOrange(1 - unit) };
}

/** What the map says, in words. */
function describeWhatIf({ columns, votes }) {
  const points = votes.flat();
  const placeOf = (value) => describePlace(points.indexOf(value), columns);
  const [most, least] = [Math.max(...points), Math.min(...points)];
  const lifts = most > 0 ? ` ${placeOf(most)} lifts it most, by ${most.toFixed(2)}.` : "";
  const distracts = least < 0 ? ` ${placeOf(least)} distracts most, by ${(-least).toFixed(2)}.` : "";
  return `What if: each part blurred in turn, and the photo scored again. Blue parts lift the score, orange ones distract.${lifts}${distracts}`;
}

/** A part's points, or how to get at them. */
function createPart({ rows, columns, votes }, part) {
  if (part === null) return [create("p", { className: "meaning" }, "Click or tap a part of the photo to see what it adds to the score.")];
  const points = votes.flat()[part];
  const meaning =
    points === 0 ? "Without it the score would be the same." : `Without it the score would be ${points > 0 ? "lower" : "higher"} by that much. The parts do not add up to the score.`;
  return [
    create("p", { className: "term" }, `${describePlace(part, columns)} of ${rows} × ${columns}`),
    create("div", { className: "figures" }, createFigure(`${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(3)}`, points < 0 ? "Distracts" : "Lifts", "")),
    create("p", { className: "meaning" }, meaning),
  ];
}

const describePlace = (index, columns) => `Row ${Math.floor(index / columns) + 1}, column ${(index % columns) + 1}`;
