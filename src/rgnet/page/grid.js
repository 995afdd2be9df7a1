"use strict";
// The grid of photos. Only the lines near the window are in the document, however many photos there are.

class Grid {
  /**
   * element: the list; source: of thumbnails; selection: of photos; onMissing: called with a stand-in near the window;
   * onGroup: called with a row to open or close its group
   */
  constructor(element, source, selection, { onMissing, onGroup }) {
    Object.assign(this, { element, source, selection, onMissing, onGroup, listed: [], rows: [], lines: [], cards: new Map(), current: 0 });
    this.groups = new OpenGroups(source);
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

  /** Show other rows, under headings by `heading`, a function of a row; isGrouped: each may stand for its look-alikes. */
  show(rows, total, heading, isGrouped) {
    for (const card of this.cards.values()) card.remove();
    this.cards.clear();
    Object.assign(this, { listed: rows, rows, total, heading, isGrouped, current: 0, groups: new OpenGroups(this.source) });
    this.layOut();
  }

  /** Show what has been listed, or is listed no more, since: the places of all rows. */
  extend() {
    this.total = this.listed.length;
    this.rows = this.groups.spread(this.listed);
    this.current = Math.min(this.current, Math.max(0, this.rows.length - 1));
    this.layOut();
    for (const card of this.element.querySelectorAll(".card")) card.setAttribute("aria-setsize", this.setSize);
  }

  /** Show the photos that have come in place of stand-ins: all places stay. */
  refill() {
    const isWaiting = document.activeElement?.closest?.(".card")?.classList.contains("waiting");
    this.rows = this.groups.spread(this.listed);
    this.draw();
    if (isWaiting) this.focus();
  }

  /** -1 is ARIA's word for a number that is not known. */
  get setSize() {
    return this.total === null ? -1 : this.total + this.extra;
  }

  /** Open the group of a photo, or close it; the photo keeps the focus, or the card that stands for it gets it. */
  async toggleGroup(row, isOpening = !this.groups.isOpen(row)) {
    if (!this.isGrouped || !row?.group || row.error || isOpening === this.groups.isOpen(row)) return;
    const { groups } = this;
    const lead = groups.leadOf(row);
    const hidden = groups.photosOf(row).filter((one) => one !== lead);
    if (isOpening) await groups.open(row);
    else groups.close(row);
    if (groups !== this.groups) return;
    for (const { id } of hidden) {
      this.cards.get(`p${id}`)?.remove();
      this.cards.delete(`p${id}`);
    }
    const current = hidden.includes(this.rows[this.current]) ? lead : this.rows[this.current];
    this.rows = groups.spread(this.listed);
    this.current = Math.max(0, this.rows.indexOf(current));
    this.layOut();
    this.refreshCards();
  }

  get extra() {
    return this.rows.length - this.listed.length;
  }

  layOut() {
    const width = this.element.clientWidth;
    if (!width) return;
    this.gap = width < 700 ? 10 : 18;
    const heading = this.heading && ((row) => this.heading(this.groups.leadOf(row)));
    const alikeHeight = this.isGrouped ? GROUP_HEIGHT : 0;
    this.element.style.setProperty("--gap", `${this.gap}px`);
    this.element.style.setProperty("--alike", `${alikeHeight}px`);
    const captionHeight = CAPTION_HEIGHT + alikeHeight;
    this.lines = layOut(this.rows, heading, { width, gap: this.gap, lineHeight: width < 700 ? 150 : 250, captionHeight });
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
      for (const box of boxesOf(this.lines[line], this.rows)) needed.set(box.key, box);
    }
    const focused = document.activeElement?.closest?.(".card")?.dataset.key;
    for (const [key, card] of this.cards) {
      if (needed.has(key) || key === focused) continue;
      card.remove();
      this.cards.delete(key);
    }
    let before = null;
    for (const [key, box] of needed) before = this.place(key, box, hasMoved, before);
    const missing = this.findMissing(top, innerHeight);
    if (missing) this.onMissing(missing);
  }

  /** Once the pictures in the window are there, or cannot be; after a second in any case. */
  async whenShown() {
    const cards = [...this.cards.values()].filter((card) => card.getBoundingClientRect().top < innerHeight);
    const pictures = cards.map((card) => card.querySelector("img")?.decode());
    await Promise.race([Promise.allSettled(pictures), new Promise((done) => setTimeout(done, 1000))]);
  }

  /** A stand-in in the window, else below it, else above. */
  findMissing(top, height) {
    const find = (from, to) => {
      for (let line = this.lineBelow(from); this.lines[line]?.top < to; line++) {
        const { first, last } = this.lines[line];
        const row = this.rows.slice(first, last + 1).find((one) => one.isStandIn);
        if (row) return row;
      }
    };
    return find(top, top + height) ?? find(top, top + 4 * height) ?? find(top - 2 * height, top);
  }

  /** A new card comes after the one before it, for whoever reads the document in its order. */
  place(key, box, hasMoved, before) {
    let card = this.cards.get(key);
    if (!card) {
      card = box.heading === undefined ? this.createCard(box.index) : createHeading(box.heading);
      card.dataset.key = key;
      this.cards.set(key, card);
      setBox(card, box);
      if (before) before.after(card);
      else this.element.prepend(card);
    } else if (hasMoved) {
      setBox(card, box);
      if (box.index !== undefined) this.placeCard(card, box.index);
    }
    if (card.isPending) this.fillCard(card, this.rows[box.index]);
    return card;
  }

  createCard(index) {
    const row = this.rows[index];
    if (row.isStandIn) return this.createWaitingCard(index);
    const score = create("b", {}, row.score === null ? "–" : row.score.toFixed(2));
    const caption = create("span", { className: "caption" }, score, create("span", { className: "name" }, row.name));
    const face = create("span", { className: "face" });
    const link = create("a", { href: `#photo=${row.id}`, tabIndex: index === this.current ? 0 : -1 }, face, caption);
    const card = create("div", { className: "card" }, link);
    if (this.isGrouped) link.append(create("span", { className: "alike" }));
    card.setAttribute("role", "listitem");
    this.placeCard(card, index);
    this.fillCard(card, row);
    this.fillMark(card, row);
    return card;
  }

  /** For a photo that has not come yet. */
  createWaitingCard(index) {
    const link = create("a", {}, create("span", { className: "face" }));
    setAttributes(link, { role: "link", "aria-disabled": true, "aria-label": `Photo ${(index + 1).toLocaleString()}, not here yet` });
    const card = create("div", { className: "card waiting" }, link);
    card.setAttribute("role", "listitem");
    this.placeCard(card, index);
    return card;
  }

  placeCard(card, index) {
    card.dataset.index = index;
    setAttributes(card, { "aria-posinset": index + 1, "aria-setsize": this.setSize });
    card.firstChild.tabIndex = index === this.current ? 0 : -1;
  }

  /** What is said of the photo's group, and whether that is open. */
  fillGroup(card, row) {
    if (!this.isGrouped) return;
    const isOpen = this.groups.isOpen(row);
    const text = row.group && !row.error ? describeMember(row) : "";
    const alike = card.querySelector(".alike");
    alike.textContent = alike.title = text;
    card.classList.toggle("open", isOpen);
    let button = card.querySelector(".stack");
    if (!text || this.groups.leadOf(row) !== row) return button?.remove();
    if (!button) card.append((button = createGroupButton(() => this.onGroup(row))));
    button.tabIndex = Number(card.dataset.index) === this.current ? 0 : -1;
    fillGroupButton(button, row, isOpen);
  }

  /** What a person said of the photo, and whether it is selected. */
  fillMark(card, row) {
    if (card.classList.contains("waiting")) return;
    const isSelected = this.selection.rows.has(row.id);
    card.classList.toggle("selected", isSelected);
    card.classList.toggle("rejected", row.mark?.pick === "rejected");
    this.fillGroup(card, row);
    card.firstChild.setAttribute("aria-label", `${isSelected ? "Selected: " : ""}${accessibleName(row)}`);
    card.querySelector(".badge")?.remove();
    const badge = createBadge(row.mark);
    if (badge) card.querySelector(".caption").append(badge);
  }

  /** Draw marks and groups of all cards anew. */
  refreshCards() {
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
    card.querySelector(".face").replaceChildren(image, ...createFaceBadge(row));
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
    this.setTabbable(-1);
    this.current = index;
    this.setTabbable(0);
  }

  /** Whether Tab comes to the current card: to its photo, and to the button of its group. */
  setTabbable(tabIndex) {
    for (const part of this.cards.get(`p${this.rows[this.current]?.id}`)?.querySelectorAll("a, button") ?? []) part.tabIndex = tabIndex;
  }

  link(index) {
    return this.cards.get(`p${this.rows[index]?.id}`)?.firstChild;
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
    const box = boxesOf(line, this.rows)[index - line.first];
    let other = position + step;
    while (this.lines[other] && this.lines[other].first === undefined) other += step;
    if (!this.lines[other]) return index;
    const centre = box.left + box.width / 2;
    const distance = (one) => Math.abs(one.left + one.width / 2 - centre);
    return boxesOf(this.lines[other], this.rows).reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
  }
}

/** A list holds nothing but items, headings among them. */
function createHeading(text) {
  const item = create("div", { className: "group" }, create("h2", {}, text));
  item.setAttribute("role", "listitem");
  return item;
}

/** What a card is of, other than a photo: a camera raw file; a video, how long it is and when the frame comes. */
function createFaceBadge({ video, raw }) {
  if (!video && !raw) return [];
  const badge = create("span", { className: `clip ${raw ? "raw" : ""}` }, video ? `video ${video.duration} · at ${video.time}` : raw);
  badge.setAttribute("aria-hidden", "true");
  return [badge];
}

function showReason(card, reason) {
  const face = card.querySelector(".face");
  face.replaceChildren(create("span", { className: "reason" }, reason));
  face.classList.add("failed");
}
