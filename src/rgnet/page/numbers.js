"use strict";
// Numbers with their meaning, in words.

/** A row as a screen reader says it. */
function accessibleName(row) {
  const name = [row.name, row.raw, describeMark(row.mark), row.video && `video of ${row.video.duration}`].filter(Boolean).join(", ");
  if (row.error) return `${name}: not shown. ${row.error}`;
  return `${name}, score ${row.score.toFixed(2)}, better than ${Math.round(row.percentile)} percent of rated photos${row.group ? `; ${describeMember(row).replace(" · ", ", ")}` : ""}`;
}

/** The score on its scale, and the percentile, each with a sentence about its meaning. */
function createScores(photo, { low, high, people }) {
  if (photo.score === null) return [];
  const dot = create("i", {});
  dot.style.left = `${(100 * (photo.score - low)) / (high - low)}%`;
  const scale = create("div", { className: "line" }, create("span", {}, formatShort(low)), create("div", {}, dot), create("span", {}, formatShort(high)));
  scale.setAttribute("aria-hidden", "true");
  const average = `The average rating that people would give it, on a scale of ${formatShort(low)} to ${formatShort(high)}.`;
  return [
    createFigure(photo.score.toFixed(2), "Score", people ? `${average} Learned from ${people}.` : average, scale),
    createFigure(`${Math.round(photo.percentile)} %`, "Percentile", "It scores higher than this share of the photos that people rated."),
    ...(photo.probability === null ? [] : [createFigure(photo.probability.toFixed(2), `Class: ${photo.label}`, "The model's probability that people would call it a good photo.")]),
  ];
}

function createFigure(number, name, meaning, ...more) {
  return create("div", { className: "figure" }, create("p", { className: "term" }, name), create("p", { className: "number" }, number), ...more, create("p", { className: "meaning" }, meaning));
}

function createFacts(photo, detail, about) {
  const votes = detail?.votes.flat();
  const facts = {
    Votes: votes && `${Math.min(...votes).toFixed(2)} to ${Math.max(...votes).toFixed(2)} in ${detail.rows} × ${detail.columns} regions`,
    "Look-alikes": photo.group && `${describeKind(photo)}: ${describeMember(photo)}`,
    "Your marks": describeMark(photo.mark),
    Video: photo.video && describeVideo(photo.video),
    Size: photo.width && `${photo.width} × ${photo.height} pixels`,
    Notes: photo.notes.join("; "),
    Maps: about.maps ? `Not shown. ${about.maps}` : detail && about.caution,
    Graph: detail && !detail.edges && (about.graph ?? "Not available for this photo."),
    Model: `${about.model} (${about.model_hash})${photo.engine ? `, ${photo.engine}` : ""}`,
    File: photo.path,
    "File beside it": photo.pair,
  };
  return Object.entries(facts)
    .filter(([, value]) => value)
    .map(([name, value]) => create("div", {}, create("dt", {}, name), create("dd", {}, value)));
}

function describeVideo({ duration, time, shots }) {
  const parts = shots === null ? "of which parts were looked at" : countOf(shots, "shot");
  return `${duration} long, ${parts}; this is its best frame, at ${time}`;
}

/** A region's numbers, or how to get at them. */
function createRegion(detail, region, about) {
  if (region === null) return [create("p", { className: "meaning" }, "Click or tap a region of the photo to see its vote and the regions it is compared with.")];
  const [row, column] = [Math.floor(region / detail.columns), region % detail.columns];
  const neighbours = findNeighbours(detail, region);
  const share = neighbours && Math.round(100 * neighbours.reduce((sum, edge) => sum + edge.weight, 0));
  const vote = detail.votes[row][column].toFixed(2);
  const weight = detail.weights?.[row][column].toFixed(2);
  const figures = [
    createFigure(vote, "Vote", ""),
    ...(weight ? [createFigure(`× ${weight}`, "Weight", "")] : []),
    ...(neighbours?.length ? [createFigure(`${share} %`, "Neighbours", "")] : []),
  ];
  const pull = weight ? `On its own it would score ${vote}. It moves the photo's score ${weight} times as much as an average region.` : `On its own it would score ${vote}.`;
  const graph = neighbours ? describeNeighbours(neighbours.length, share) : (about.graph ?? "The graph of this photo is not available.");
  return [
    create("p", { className: "term" }, `Region in row ${row + 1}, column ${column + 1}`),
    create("div", { className: "figures" }, ...figures),
    create("p", { className: "meaning" }, `${pull} ${graph}`),
  ];
}

function describeNeighbours(count, share) {
  if (!count) return "The network compares it with all regions alike; none stands out.";
  if (count === 1) return `The outlined region makes up ${share} % of what it is compared with.`;
  return `The ${count} outlined regions make up ${share} % of what it is compared with. Thicker lines are stronger.`;
}

/** A date and time as people write them; null for none. */
function formatDate(taken, options = { dateStyle: "long", timeStyle: "short" }) {
  const moment = taken ? new Date(taken) : null;
  return moment && !Number.isNaN(moment.getTime()) ? new Intl.DateTimeFormat(undefined, options).format(moment) : null;
}

/** "1 photo", "2 photos". */
function countOf(count, name) {
  return `${count.toLocaleString()} ${name}${count === 1 ? "" : "s"}`;
}

/** A number without needless zeros. */
function formatShort(number) {
  return String(Number(number.toFixed(2)));
}
