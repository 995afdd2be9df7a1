"use strict";
// The grid: photos whole, in lines of one height each that fill the width. Only the lines near the window are in the
// document, however many photos there are.

const CAPTION = 30;
const HEADING = 64;
const FIRST = 40; // of a heading at the top
const NARROWEST = 0.55; // width by height of a card
const WIDEST = 3;

class Grid {
  /** element: the list; source: of thumbnails; more: called when the end comes into sight */
  constructor(element, source, more) {
    Object.assign(this, { element, source, more, rows: [], lines: [], shown: new Map(), current: 0 });
    let waiting = false;
    const later = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.draw();
      });
    };
    addEventListener("scroll", later, { passive: true });
    new ResizeObserver(() => this.place()).observe(element);
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("focusin", (event) => this.focused(event));
  }

  /** Show other rows, grouped by `group`, a function of a row to a heading. */
  show(rows, total, group) {
    for (const card of this.shown.values()) card.remove();
    this.shown.clear();
    Object.assign(this, { rows, total, group, current: 0 });
    this.place();
  }

  /** Rows that follow. */
  append(rows) {
    this.rows = this.rows.concat(rows);
    this.place();
  }

  /** Lay all rows out anew. */
  place() {
    const width = this.element.clientWidth;
    if (!width) return;
    this.gap = width < 700 ? 10 : 18;
    this.lines = laidOut(this.rows, this.group, { width, gap: this.gap, tall: width < 700 ? 150 : 250 });
    const last = this.lines.at(-1);
    this.element.style.height = `${last ? last.top + last.height : 0}px`;
    this.draw(true);
  }

  /** Put the cards near the window into the document, and take the others out. */
  draw(moved = false) {
    const top = scrollY - this.element.offsetTop;
    const margin = innerHeight;
    const wanted = new Map();
    for (let line = this.lineAt(top - margin); line < this.lines.length; line++) {
      if (this.lines[line].top > top + innerHeight + margin) break;
      for (const box of this.lines[line].boxes) wanted.set(box.key, box);
    }
    const keep = document.activeElement?.closest?.(".card")?.dataset.key;
    for (const [key, card] of this.shown) {
      if (wanted.has(key) || key === keep) continue;
      card.remove();
      this.shown.delete(key);
    }
    for (const [key, box] of wanted) this.put(key, box, moved);
    const bottom = this.lines.at(-1);
    if (bottom && bottom.top < top + innerHeight + 2 * margin && this.rows.length < this.total) this.more();
  }

  put(key, box, moved) {
    let card = this.shown.get(key);
    if (!card) {
      card = box.heading === undefined ? this.card(box.index) : make("h2", { className: "group" }, box.heading);
      card.dataset.key = key;
      this.shown.set(key, card);
      setBox(card, box);
      this.element.append(card);
    } else if (moved) {
      setBox(card, box);
    }
    if (card.pending) this.fill(card, this.rows[box.index]);
  }

  card(index) {
    const row = this.rows[index];
    const score = make("b", {}, row.score === null ? "–" : row.score.toFixed(2));
    const caption = make("span", { className: "caption" }, score, make("span", {}, row.name));
    const face = make("span", { className: "face" });
    const link = make("a", { href: `#photo=${row.id}`, tabIndex: index === this.current ? 0 : -1 }, face, caption);
    link.setAttribute("aria-label", spoken(row));
    const card = make("div", { className: "card" }, link);
    setAll(card, { role: "listitem", "aria-posinset": index + 1, "aria-setsize": this.total });
    card.dataset.index = index;
    this.fill(card, row);
    return card;
  }

  /** The photo, or why there is none; a photo that has not arrived yet is tried again at the next drawing. */
  fill(card, row) {
    const face = card.querySelector(".face");
    const address = row.error ? null : this.source.thumbnail(row);
    card.pending = address === undefined;
    if (card.pending) return;
    if (address === null) {
      const reason = row.error ? reasonOf(row) : "There is no picture of this photo here.";
      face.replaceChildren(make("span", { className: "why" }, reason));
      face.classList.add("failed");
      return;
    }
    const image = make("img", { alt: "", decoding: "async", draggable: false });
    image.addEventListener("load", () => image.classList.add("there"), { once: true });
    image.addEventListener("error", () => this.lost(card), { once: true });
    image.src = address;
    face.replaceChildren(image);
  }

  lost(card) {
    const face = card.querySelector(".face");
    face.replaceChildren(make("span", { className: "why" }, "The picture could not be loaded."));
    face.classList.add("failed");
  }

  /** The first line that ends below a height. */
  lineAt(top) {
    let [low, high] = [0, this.lines.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if (this.lines[half].top + this.lines[half].height < top) low = half + 1;
      else high = half;
    }
    return low;
  }

  // From card to card by keys: one of them is in the order of Tab

  focused(event) {
    const card = event.target.closest(".card");
    if (card) this.setCurrent(Number(card.dataset.index));
  }

  setCurrent(index) {
    this.link(this.current)?.setAttribute("tabindex", -1);
    this.current = index;
    this.link(index)?.setAttribute("tabindex", 0);
  }

  link(index) {
    return this.shown.get(`p${index}`)?.firstChild;
  }

  focus(index = this.current) {
    if (!this.rows.length) return;
    this.setCurrent(Math.min(Math.max(index, 0), this.rows.length - 1));
    this.reveal(this.current);
    this.link(this.current)?.focus({ preventScroll: true });
  }

  /** Scroll just as far as it takes to see a photo, and draw it. */
  reveal(index) {
    const { line } = this.at(index);
    const top = this.element.offsetTop + line.top;
    const head = document.querySelector("header").offsetHeight + this.gap;
    const above = top - head;
    const below = top + line.height - innerHeight;
    if (scrollY > above) scrollTo({ top: above, behavior: "instant" });
    else if (scrollY < below) scrollTo({ top: below, behavior: "instant" });
    this.draw();
  }

  at(index) {
    const place = this.lines.findIndex((line) => line.first <= index && index <= line.last);
    return { place, line: this.lines[place] };
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const lines = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (next === undefined && lines === undefined) return;
    event.preventDefault();
    this.focus(lines ? this.beside(this.current, lines) : this.current + next);
  }

  /** The photo above or below one. */
  beside(index, step) {
    const { place, line } = this.at(index);
    const box = line.boxes[index - line.first];
    let other = place + step;
    while (this.lines[other]?.first === undefined && this.lines[other]) other += step;
    if (!this.lines[other]) return index;
    const centre = box.left + box.width / 2;
    const distance = (one) => Math.abs(one.left + one.width / 2 - centre);
    return this.lines[other].boxes.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
  }
}

/** Lines of boxes: {top, height, boxes, first, last} of photos, and {top, height, boxes} of a heading. */
function laidOut(rows, group, { width, gap, tall }) {
  const lines = [];
  let [top, begun, shapes, heading] = [0, 0, 0, undefined];
  const finish = (end, height) => {
    if (end > begun) lines.push(lineOf(rows, begun, end, { top, height, gap }));
    if (end > begun) top += height + CAPTION + gap;
    [begun, shapes] = [end, 0];
  };
  rows.forEach((row, index) => {
    const title = group?.(row);
    if (title !== heading) {
      finish(index, tall);
      heading = title;
      const height = top ? HEADING : FIRST;
      const box = { key: `g${index}:${title}`, heading: title, left: 0, top, width, height };
      lines.push({ top, height, boxes: [box] });
      top += height;
    }
    shapes += shapeOf(row);
    const room = width - gap * (index - begun);
    if (shapes * tall >= room) finish(index + 1, Math.min(room / shapes, tall * 1.25));
  });
  finish(rows.length, tall);
  return lines;
}

function lineOf(rows, first, end, { top, height, gap }) {
  let left = 0;
  const boxes = rows.slice(first, end).map((row, offset) => {
    const box = { key: `p${first + offset}`, index: first + offset, left, top, width: shapeOf(row) * height };
    left += box.width + gap;
    return { ...box, height: height + CAPTION };
  });
  return { top, height: height + CAPTION, boxes, first, last: end - 1 };
}

/** Width by height of a card. */
function shapeOf(row) {
  if (row.error || !row.width || !row.height) return 1.25;
  return Math.min(Math.max(row.width / row.height, NARROWEST), WIDEST);
}

function setBox(element, { left, top, width, height }) {
  element.style.transform = `translate(${left}px, ${top}px)`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
}
