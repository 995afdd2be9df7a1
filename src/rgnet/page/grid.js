"use strict";
// The grid of photos. Only the lines near the window are in the document, however many photos there are.

class Grid {
  /** element: the list; source: of thumbnails; selection: of photos; onEnd: called when the end comes into sight */
  constructor(element, source, selection, onEnd) {
    Object.assign(this, { element, source, selection, onEnd, rows: [], lines: [], cards: new Map(), current: 0 });
    let isScheduled = false;
    const drawSoon = () => {
      if (isScheduled) return;
      isScheduled = true;
      requestAnimationFrame(() => {
        isScheduled = false;
        this.draw();
      });
    };
    addEventListener("scroll", drawSoon, { passive: true });
    new ResizeObserver(() => this.layOut()).observe(element);
    element.addEventListener("keydown", (event) => this.onKey(event));
    element.addEventListener("focusin", (event) => this.onFocus(event));
  }

  /** Show other rows, grouped by `group`, a function of a row to a heading. */
  show(rows, total, group) {
    for (const card of this.cards.values()) card.remove();
    this.cards.clear();
    Object.assign(this, { rows, total, group, current: 0 });
    this.layOut();
  }

  /** Add rows at the end. */
  append(rows) {
    this.rows = this.rows.concat(rows);
    this.layOut();
  }

  layOut() {
    const width = this.element.clientWidth;
    if (!width) return;
    this.gap = width < 700 ? 10 : 18;
    this.lines = layOut(this.rows, this.group, { width, gap: this.gap, lineHeight: width < 700 ? 150 : 250 });
    const last = this.lines.at(-1);
    this.element.style.height = `${last ? last.top + last.height : 0}px`;
    this.draw(true);
  }

  /** Put the cards near the window into the document, and take the others out. */
  draw(hasMoved = false) {
    const top = scrollY - this.element.offsetTop;
    const margin = innerHeight;
    const needed = new Map();
    for (let line = this.lineBelow(top - margin); line < this.lines.length; line++) {
      if (this.lines[line].top > top + innerHeight + margin) break;
      for (const box of this.lines[line].boxes) needed.set(box.key, box);
    }
    const focused = document.activeElement?.closest?.(".card")?.dataset.key;
    for (const [key, card] of this.cards) {
      if (needed.has(key) || key === focused) continue;
      card.remove();
      this.cards.delete(key);
    }
    for (const [key, box] of needed) this.place(key, box, hasMoved);
    const last = this.lines.at(-1);
    if (last && last.top < top + innerHeight + 2 * margin && this.rows.length < this.total) this.onEnd();
  }

  place(key, box, hasMoved) {
    let card = this.cards.get(key);
    if (!card) {
      card = box.heading === undefined ? this.createCard(box.index) : createHeading(box.heading);
      card.dataset.key = key;
      this.cards.set(key, card);
      setBox(card, box);
      this.element.append(card);
    } else if (hasMoved) {
      setBox(card, box);
    }
    if (card.isPending) this.fillCard(card, this.rows[box.index]);
  }

  createCard(index) {
    const row = this.rows[index];
    const score = create("b", {}, row.score === null ? "–" : row.score.toFixed(2));
    const caption = create("span", { className: "caption" }, score, create("span", { className: "name" }, row.name));
    const face = create("span", { className: "face" });
    const link = create("a", { href: `#photo=${row.id}`, tabIndex: index === this.current ? 0 : -1 }, face, caption);
    const card = create("div", { className: "card" }, link);
    setAttributes(card, { role: "listitem", "aria-posinset": index + 1, "aria-setsize": this.total });
    card.dataset.index = index;
    this.fillCard(card, row);
    this.fillMark(card, row);
    return card;
  }

  /** What a person said of the photo, and whether it is selected. */
  fillMark(card, row) {
    const isSelected = this.selection.rows.has(row.id);
    card.classList.toggle("selected", isSelected);
    card.classList.toggle("rejected", row.mark?.pick === "rejected");
    card.firstChild.setAttribute("aria-label", `${isSelected ? "Selected: " : ""}${accessibleName(row)}`);
    card.querySelector(".badge")?.remove();
    const badge = createBadge(row.mark);
    if (badge) card.querySelector(".caption").append(badge);
  }

  /** Draw the marks of all cards anew. */
  refreshMarks() {
    for (const card of this.cards.values()) {
      if (card.dataset.index !== undefined) this.fillMark(card, this.rows[card.dataset.index]);
    }
  }

  /** The photo, or why there is none; a photo that has not arrived yet is tried again at the next drawing. */
  fillCard(card, row) {
    const address = row.error ? null : this.source.thumbnail(row);
    card.isPending = address === undefined;
    if (card.isPending) return;
    if (address === null) {
      showReason(card, row.error ?? "There is no picture of this photo.");
      return;
    }
    const image = create("img", { alt: "", decoding: "async", draggable: false });
    image.addEventListener("load", () => image.classList.add("loaded"), { once: true });
    image.addEventListener("error", () => showReason(card, "The picture could not be loaded."), { once: true });
    image.src = address;
    card.querySelector(".face").replaceChildren(image, ...createClipBadge(row.video));
  }

  /** The first line that ends below a height. */
  lineBelow(top) {
    let [low, high] = [0, this.lines.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if (this.lines[half].top + this.lines[half].height < top) low = half + 1;
      else high = half;
    }
    return low;
  }

  // From card to card by keys: one of them is in the order of Tab

  onFocus(event) {
    const card = event.target.closest(".card");
    if (card) this.setCurrent(Number(card.dataset.index));
  }

  setCurrent(index) {
    this.link(this.current)?.setAttribute("tabindex", -1);
    this.current = index;
    this.link(index)?.setAttribute("tabindex", 0);
  }

  link(index) {
    return this.cards.get(`p${index}`)?.firstChild;
  }

  focus(index = this.current) {
    if (!this.rows.length) return;
    this.setCurrent(Math.min(Math.max(index, 0), this.rows.length - 1));
    this.scrollTo(this.current);
    this.link(this.current)?.focus({ preventScroll: true });
  }

  /** Scroll just as far as it takes to see a photo, and draw it. */
  scrollTo(index) {
    const { line } = this.findLine(index);
    const top = this.element.offsetTop + line.top;
    const headerHeight = document.querySelector("header").offsetHeight + this.gap;
    const above = top - headerHeight;
    const below = top + line.height - innerHeight;
    if (scrollY > above) scrollTo({ top: above, behavior: "instant" });
    else if (scrollY < below) scrollTo({ top: below, behavior: "instant" });
    this.draw();
  }

  findLine(index) {
    const position = this.lines.findIndex((line) => line.first <= index && index <= line.last);
    return { position, line: this.lines[position] };
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const lineStep = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined && lineStep === undefined) return;
    event.preventDefault();
    this.focus(lineStep ? this.findVertical(this.current, lineStep) : this.current + step);
  }

  /** The photo above or below one. */
  findVertical(index, step) {
    const { position, line } = this.findLine(index);
    const box = line.boxes[index - line.first];
    let other = position + step;
    while (this.lines[other] && this.lines[other].first === undefined) other += step;
    if (!this.lines[other]) return index;
    const centre = box.left + box.width / 2;
    const distance = (one) => Math.abs(one.left + one.width / 2 - centre);
    return this.lines[other].boxes.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
  }
}

/** A list holds nothing but items, headings among them. */
function createHeading(text) {
  const item = create("div", { className: "group" }, create("h2", {}, text));
  item.setAttribute("role", "listitem");
  return item;
}

/** That a card is of a video: how long it is, and when the frame comes that is shown. */
function createClipBadge(video) {
  if (!video) return [];
  const badge = create("span", { className: "clip" }, `video ${video.duration} · at ${video.time}`);
  badge.setAttribute("aria-hidden", "true");
  return [badge];
}

function showReason(card, reason) {
  const face = card.querySelector(".face");
  face.replaceChildren(create("span", { className: "reason" }, reason));
  face.classList.add("failed");
}
