"use strict";
// What is listed: the rows that have arrived, and in place of the others stand-ins of the same shape.

class Listing {
  /** source: of rows; marks: the bar, whose marks are waited for */
  constructor(source, marks) {
    Object.assign(this, { source, marks, query: {}, rows: [] });
  }

  /** The first rows of a query, and counts. Raises AbortError where another one was asked for meanwhile. */
  async find(query) {
    this.query = { ...query };
    const found = await this.ask(() => 0);
    this.rows = found.photos;
    return found;
  }

  /** The counts, and stand-ins for all that has not arrived. Raises AbortError as `find` does. */
  async layOut() {
    const { rows, query } = this;
    const outline = await this.source.outline(query);
    for (const row of makeStandIns(outline, query.sort, rows.length)) rows.push(row);
    return outline;
  }

  /** Photos for a stand-in and those around it. Whether there are fewer than were counted. Raises AbortError as `find` does. */
  async fill({ place }) {
    const { rows } = this;
    const isWaiting = (index) => Boolean(rows[index]?.isStandIn);
    let [start, end] = [place, place];
    while (isWaiting(end) && end < place + PAGE_SIZE) end++;
    while (isWaiting(start - 1) && end - start < PAGE_SIZE) start--;
    // Photos that have been marked since may match the filter no more, but stay where they are
    const matches = makeMarkFilter(this.query.marks);
    const { photos } = await this.ask(() => rows.slice(0, start).filter((row) => row.isStandIn || matches(row)).length);
    photos.forEach((photo, index) => {
      if (isWaiting(start + index)) rows[start + index] = photo;
    });
    if (!photos.length) rows.length = start;
    return !photos.length;
  }

  /** What matches from an offset, with the marks that were made until it arrived. Only the last call is answered. */
  async ask(findOffset) {
    const call = (this.lastCall = Symbol());
    for (;;) {
      const { turn } = this.marks;
      await turn;
      if (call !== this.lastCall) throw new DOMException("Another listing was asked for", "AbortError");
      const found = await this.source.find(this.query, findOffset());
      if (turn === this.marks.turn) return found;
    }
  }
}

/** What stands for each photo from a place on: its shape, and what its heading is made of. */
function* makeStandIns({ total, failed, shapes, runs }, sort, start) {
  const bytes = Uint8Array.from(atob(shapes), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const keys = runs.flatMap(({ key, count }) => new Array(count).fill(key));
  for (let place = start; place < total; place++) {
    const isScored = place < total - failed;
    const key = keys[place] ?? null;
    const heading = { taken: sort === "taken" ? key : null, folder: sort === "folder" ? key : "" };
    const shape = isScored ? { width: view.getUint16(2 * place, true), height: 1000, error: null } : { error: "not here yet" };
    yield { id: `~${place}`, isStandIn: true, place, ...heading, ...shape, mark: null };
  }
}
