"use strict";
// Where rows and details come from. A report has them inside the page, a service is asked for them; both answer
//   find(query, offset)  {photos, total, failed, matching}, of query
//                        {sort, order, min, max, since, until, folder, text, marks, errors, groups}
//   outline(query)       {total, failed, matching, shapes, runs}; asked for where `find` did not count, or not bring all
//   findGroup(photo)     photos that look alike, in their order
//   open(id)             {photo, detail}
//   thumbnail(photo)     an address, null where there is none, undefined where it has not arrived yet
// matching: photos that match; failed: those among them without a score; total: those that are listed, of each group one;
// all null where nobody counted.

const REQUEST = { credentials: "same-origin", headers: { Accept: "application/json" } };
const PAGE_SIZE = 200;

class ReportSource {
  constructor(about, rows) {
    this.about = about;
    this.rows = rows;
    this.folders = [...new Set(rows.map((row) => row.folder))].sort(collator.compare);
    this.ready = new Promise((resolve) => {
      if (document.readyState !== "loading") resolve();
      else document.addEventListener("DOMContentLoaded", resolve, { once: true });
    });
  }

  async find(query) {
    const found = this.rows.filter(makeFilter(query)).sort(makeOrder(query));
    const photos = query.groups ? keepBest(found) : found;
    return { photos, total: photos.length, failed: found.filter((row) => row.score === null).length, matching: found.length };
  }

  async findGroup({ group: { number } }) {
    return this.rows.filter((row) => row.group?.number === number && !row.error).sort((one, other) => one.group.place - other.group.place);
  }

  get startsGrouped() {
    return this.about.grouped && this.mayGroup;
  }

  get mayGroup() {
    return this.rows.some((row) => row.group);
  }

  async open(id) {
    const photo = this.rows.find((row) => row.id === id);
    if (!photo) throw new Error("This report has no such photo.");
    const detail = readData("d-" + id) ?? (await this.ready, readData("d-" + id));
    return { photo, detail: detail ?? null };
  }

  thumbnail(photo) {
    if (photo.thumbnail) return photo.thumbnail;
    const address = readData("t-" + photo.id);
    return address ?? (photo.error || document.readyState !== "loading" ? null : undefined);
  }

  /** How many photos lie in each of `count` equal parts of the scale. */
  histogram(count) {
    const { low, high } = this.about;
    const counts = new Array(count).fill(0);
    for (const { score } of this.rows) {
      if (score === null) continue;
      counts[Math.min(count - 1, Math.max(0, Math.floor(((score - low) / (high - low)) * count)))]++;
    }
    return counts;
  }
}

class ServiceSource {
  mayGroup = true;
  startsGrouped = loadChoice("groups", ["1", "0"]) === "1";

  async find(query, offset = 0) {
    this.request?.abort();
    if (!offset) this.counting?.abort();
    this.request = new AbortController();
    // The first photos of a large library are there long before it is counted
    const found = await request("v1/photos?" + encodeQuery({ ...query, counted: offset > 0, offset, limit: PAGE_SIZE }), this.request.signal);
    this.about = found.about;
    this.folders = found.about.folders ?? [];
    return found;
  }

  outline(query) {
    this.counting = new AbortController();
    return request("v1/photos/outline?" + encodeQuery(query), this.counting.signal);
  }

  open(id) {
    return request("v1/photos/" + encodeURIComponent(id));
  }

  async findGroup({ id }) {
    return (await request(`v1/photos/${id}/group`)).photos;
  }

  thumbnail(photo) {
    return photo.thumbnail;
  }

  /** A service does not count its photos by score. */
  histogram() {
    return [];
  }

  // What only a service can do, for those whom `about` says that they may

  picture(photo) {
    return `v1/photos/${photo.id}/picture`;
  }

  crop(id, ratio) {
    return request(`v1/photos/${encodeURIComponent(id)}/crop?` + new URLSearchParams({ ratio }));
  }

  fullPicture(photo) {
    return `v1/photos/${photo.id}/full`;
  }

  /** {grid, effect}: what covering each part does to the score. Computed anew it takes seconds. */
  whatIf(photo) {
    return post(`v1/photos/${photo.id}/what-if`, {});
  }

  /** {id, path} of all photos that match. */
  async paths(query) {
    return (await request("v1/photos/paths?" + encodeQuery(query))).photos;
  }

  /** Marks by id, as they are afterwards. */
  async mark(photos, change) {
    return (await post("v1/marks", { photos, ...change })).marks;
  }

  async undo() {
    return (await post("v1/marks/undo", {})).marks;
  }

  async sidecars(photos, options) {
    return (await post("v1/sidecars", { photos, ...options })).changes;
  }

  /** {photos, answered}: two photos to compare. */
  pair() {
    return request("v1/pairs");
  }

  /** The next pair after an answer. */
  answerPair(better, other, equal) {
    return post("v1/pairs", { better, other, equal });
  }

  async openInViewer(id) {
    await post(`v1/photos/${id}/open`, {});
  }
}

function encodeQuery(query) {
  return new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== ""));
}

function request(address, signal) {
  return send(address, { ...REQUEST, signal });
}

function post(address, values) {
  const headers = { ...REQUEST.headers, "Content-Type": "application/json" };
  return send(address, { ...REQUEST, headers, method: "POST", body: JSON.stringify(values) });
}

async function send(address, options) {
  const response = await fetch(address, options);
  const body = await response.json().catch(() => null);
  if (response.ok && (body || response.status === 204)) return body;
  const reason = typeof body?.error === "string" ? body.error : response.statusText;
  throw new Error(`The service answered ${response.status}: ${reason || "no reason given"}`);
}

/** The JSON that an element of this page holds; undefined where there is none, or it has not arrived completely. */
function readData(id) {
  const element = document.getElementById(id);
  const isComplete = element && (element.nextSibling || document.readyState !== "loading");
  return isComplete ? JSON.parse(element.textContent) : undefined;
}

function openSource() {
  const about = readData("all-about");
  return about ? new ReportSource(about, readData("all-rows")) : new ServiceSource();
}

// --- filters and orders of a report ---

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** A test of rows; a filter by score or day leaves out rows that have none. */
function makeFilter({ min, max, since, until, folder, text, marks, errors }) {
  if (errors === "only") [min, max, since, until] = [null, null, "", ""];
  const part = fold(text);
  const separator = folder.includes("\\") ? "\\" : "/";
  const outer = folder.normalize("NFC").replace(/[/\\]$/, "");
  const isInside = (inner) => inner === outer || inner.startsWith(outer + separator);
  const tests = [
    errors === "0" && ((row) => !row.error),
    errors === "only" && ((row) => row.error),
    min !== null && ((row) => row.score !== null && row.score >= min),
    max !== null && ((row) => row.score !== null && row.score <= max),
    since && ((row) => row.taken && row.taken >= since),
    until && ((row) => row.taken && row.taken.slice(0, 10) <= until),
    folder && ((row) => isInside(row.folder.normalize("NFC"))),
    marks && makeMarkFilter(marks),
    part && ((row) => fold(row.path).includes(part)),
  ].filter(Boolean);
  return (row) => tests.every((test) => test(row));
}

function makeMarkFilter(marks) {
  return (row) => !marks || (row.mark?.pick ?? "unmarked") === marks;
}

/** A comparison of rows: what cannot be shown comes last, before that what lacks the value. */
function makeOrder({ sort, order }) {
  const sign = order === "desc" ? -1 : 1;
  const compare = sort !== "score" ? collator.compare : (one, other) => one - other;
  return (one, other) =>
    Boolean(one.error) - Boolean(other.error) ||
    (one[sort] === null) - (other[sort] === null) ||
    (one[sort] !== null && sign * compare(one[sort], other[sort])) ||
    (sort === "folder" && (other.score ?? -Infinity) - (one.score ?? -Infinity)) ||
    collator.compare(one.path, other.path);
}
