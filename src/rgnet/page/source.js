"use strict";
// Where rows and details come from. Report has them inside this page, Service asks for them; both answer
//   find(query, offset)  {photos, total, failed}, of query {sort, order, min, max, since, until, folder, text, errors}
//   one(id)              {photo, detail}
//   thumbnail(photo)     an address, null where there is none, undefined where it has not arrived yet

const READ = { credentials: "same-origin", headers: { Accept: "application/json" } };
const PAGE = 200;

class Report {
  constructor(about, rows) {
    this.about = about;
    this.rows = rows;
    this.folders = [...new Set(rows.map((row) => row.folder))].sort(collator.compare);
    this.ready = new Promise((done) => {
      if (document.readyState !== "loading") done();
      else document.addEventListener("DOMContentLoaded", done, { once: true });
    });
  }

  async find(query) {
    const photos = this.rows.filter(wanted(query)).sort(ordered(query));
    return { photos, total: photos.length, failed: photos.filter((row) => row.error).length };
  }

  async one(id) {
    const photo = this.rows.find((row) => row.id === id);
    if (!photo) throw new Error("This report has no photo of that address.");
    const found = held("d-" + id) ?? (await this.ready, held("d-" + id));
    return { photo, detail: found ?? null };
  }

  thumbnail(photo) {
    if (photo.thumbnail) return photo.thumbnail;
    const found = held("t-" + photo.id);
    return found ?? (photo.error || document.readyState !== "loading" ? null : undefined);
  }

  /** How many photos lie in each of so many equal parts of the scale. */
  bars(count) {
    const { low, high } = this.about;
    const bars = new Array(count).fill(0);
    for (const { score } of this.rows) {
      if (score === null) continue;
      bars[Math.min(count - 1, Math.max(0, Math.floor(((score - low) / (high - low)) * count)))]++;
    }
    return bars;
  }
}

class Service {
  async find(query, offset = 0) {
    this.asking?.abort();
    this.asking = new AbortController();
    const named = Object.entries({ ...query, offset, limit: PAGE });
    const given = named.filter(([, value]) => value !== null && value !== "");
    const found = await answer("v1/photos?" + new URLSearchParams(given), this.asking.signal);
    this.about = found.about;
    this.folders = found.about.folders ?? [];
    return found;
  }

  one(id) {
    return answer("v1/photos/" + encodeURIComponent(id));
  }

  thumbnail(photo) {
    return photo.thumbnail;
  }

  bars() {
    return this.about.bars ?? [];
  }
}

async function answer(address, signal) {
  const response = await fetch(address, { ...READ, signal });
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  const reason = typeof body?.detail === "string" ? body.detail : response.statusText;
  throw new Error(`The service answered ${response.status}: ${reason || "no reason given"}`);
}

/** What an element of this page holds as JSON; undefined where it is not there, or has not arrived whole. */
function held(id) {
  const element = document.getElementById(id);
  const whole = element && (element.nextSibling || document.readyState !== "loading");
  return whole ? JSON.parse(element.textContent) : undefined;
}

function opened() {
  const about = held("all-about");
  return about ? new Report(about, held("all-rows")) : new Service();
}

// --- filters and orders of a report ---

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** A test of rows; a filter by score or day leaves out rows that have none. */
function wanted({ min, max, since, until, folder, text, errors }) {
  if (errors === "only") [min, max, since, until] = [null, null, "", ""];
  const words = text.toLowerCase();
  const divider = folder.includes("\\") ? "\\" : "/";
  const below = folder.replace(/[/\\]$/, "") + divider;
  const tests = [
    errors === "0" && ((row) => !row.error),
    errors === "only" && ((row) => row.error),
    min !== null && ((row) => row.score !== null && row.score >= min),
    max !== null && ((row) => row.score !== null && row.score <= max),
    since && ((row) => row.taken && row.taken >= since),
    until && ((row) => row.taken && row.taken.slice(0, 10) <= until),
    folder && ((row) => row.folder === folder || row.folder.startsWith(below)),
    words && ((row) => row.path.toLowerCase().includes(words)),
  ].filter(Boolean);
  return (row) => tests.every((test) => test(row));
}

/** A comparison of rows: what cannot be shown comes last, then what lacks the value. */
function ordered({ sort, order }) {
  const sign = order === "desc" ? -1 : 1;
  const compare = sort !== "score" ? collator.compare : (one, other) => one - other;
  return (one, other) =>
    Boolean(one.error) - Boolean(other.error) ||
    (one[sort] === null) - (other[sort] === null) ||
    (one[sort] !== null && sign * compare(one[sort], other[sort])) ||
    (sort === "folder" && (other.score ?? -Infinity) - (one.score ?? -Infinity)) ||
    collator.compare(one.path, other.path);
}
