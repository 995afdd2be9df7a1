"use strict";
// Numbers with their meaning, in words.

/** A row as a screen reader says it. */
function spoken(row) {
  if (row.error) return `${row.name}: not shown, ${reasonOf(row)}`;
  return `${row.name}, score ${row.score.toFixed(2)}, better than ${Math.round(row.percentile)} percent`;
}

/** Why there is nothing to look at, without the path that most reasons begin with. */
function reasonOf({ error, path }) {
  const begins = error.startsWith(`${path}: `);
  const reason = begins ? error.slice(path.length + 2) : error;
  return reason[0].toUpperCase() + reason.slice(1);
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
    ...(near?.length ? [mark(`${Math.round(heard * 100)} %`, "Neighbours", "")] : []),
  ];
  const pull = `It would get ${vote.toFixed(2)} by itself${weight ? `, and pulls at the score like ${weight} regions among equals` : ""}.`;
  const graph = near ? graphOf(near.length, heard) : (about.graph ?? "The graph of this photo is not known here.");
  return [
    make("p", { className: "term" }, `Region in row ${row + 1}, column ${column + 1}`),
    make("div", { className: "numbers" }, ...numbers),
    make("p", { className: "how" }, `${pull} ${graph}`),
  ];
}

function graphOf(count, heard) {
  if (!count) return "The network judges it with an ear to all regions alike; none stands out.";
  const [regions, make] = count === 1 ? ["region", "makes"] : [`${count} regions`, "make"];
  return `The ${regions} drawn ${make} up ${Math.round(heard * 100)} % of all that it is judged together with.${count > 1 ? " Thicker lines are stronger." : ""}`;
}

/** A day and time as people write them. */
function day(taken, options = { dateStyle: "long", timeStyle: "short" }) {
  const moment = taken ? new Date(taken) : null;
  return moment && !Number.isNaN(moment.getTime()) ? new Intl.DateTimeFormat(undefined, options).format(moment) : null;
}

/** A number without needless zeros. */
function short(number) {
  return String(Number(number.toFixed(2)));
}
