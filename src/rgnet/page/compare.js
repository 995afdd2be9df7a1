"use strict";
// Two to four frames side by side. Zoom and position are locked: all show the same part, up to full size.

const MOST_FRAMES = 4;
const MOST_ZOOM = 64;
const FRAME_CAPTION = 34; // pixels below the photo

class Compare {
  /** source: of pictures; onClose: called when it closes; onActive: when another frame is the one that keys mark */
  constructor(source, { onClose, onActive }) {
    Object.assign(this, { source, onClose, onActive, dialog: byId("compare"), frames: [], active: 0 });
    this.dialog.addEventListener("close", () => this.onClosed());
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    byId("compare-close").addEventListener("click", () => this.dialog.close());
    byId("compare-fit").addEventListener("click", () => this.zoomTo(1));
    byId("compare-full").addEventListener("click", () => this.zoomTo(this.fullZoom()));
    new ResizeObserver(() => this.draw()).observe(byId("frames"));
  }

  get isOpen() {
    return this.dialog.open;
  }

  get activeId() {
    return this.frames[this.active]?.row.id;
  }

  show(rows) {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5, active: 0 });
    this.frames = rows.slice(0, MOST_FRAMES).map((row, index) => this.createFrame(row, index));
    byId("frames").replaceChildren(...this.frames.map((frame) => frame.element));
    byId("frames").dataset.count = this.frames.length;
    if (!this.isOpen) this.dialog.showModal();
    this.setActive(0);
    this.draw();
  }

  createFrame(row, index) {
    const image = create("img", { alt: "", draggable: false });
    image.src = this.source.picture(row);
    // The whole file takes a moment: until then the picture stands for it
    const full = new Image();
    full.addEventListener("load", () => {
      image.src = full.src;
    });
    full.src = this.source.fullPicture(row);
    const caption = create("span", { className: "caption" });
    const element = create("div", { className: "cell", tabIndex: 0 }, image, caption);
    element.setAttribute("role", "group");
    element.addEventListener("focus", () => this.setActive(index));
    this.listenToPointer(element);
    const frame = { row, element, image, caption };
    this.fillCaption(frame);
    return frame;
  }

  fillCaption({ row, element, caption }) {
    const score = create("b", {}, row.score === null ? "–" : row.score.toFixed(2));
    const among = row.group && create("span", { className: "among" }, describeMember(row));
    caption.replaceChildren(...[score, create("span", { className: "name" }, row.name), among, createBadge(row.mark)].filter(Boolean));
    element.setAttribute("aria-label", accessibleName(row));
  }

  refresh() {
    this.frames.forEach((frame) => this.fillCaption(frame));
  }

  setActive(index) {
    this.active = index;
    this.frames.forEach(({ element }, other) => element.classList.toggle("active", other === index));
    if (document.activeElement !== this.frames[index]?.element) this.frames[index]?.element.focus();
    this.onActive();
  }

  // Zoom 1 shows the whole photo; x and y are the part of every photo in the middle of its frame

  fitOf({ row, element }) {
    return Math.min(element.clientWidth / row.width, (element.clientHeight - FRAME_CAPTION) / row.height);
  }

  /** The zoom at which a pixel of the active photo is one of the screen. */
  fullZoom() {
    const frame = this.frames[this.active];
    return frame ? Math.max(1, 1 / (this.fitOf(frame) * (window.devicePixelRatio || 1))) : 1;
  }

  zoomTo(zoom) {
    this.zoom = Math.min(Math.max(zoom, 1), MOST_ZOOM);
    this.draw();
  }

  move(x, y) {
    [this.x, this.y] = [this.x + x, this.y + y].map((value) => Math.min(Math.max(value, 0), 1));
    this.draw();
  }

  draw() {
    if (!this.isOpen) return;
    if (this.zoom === 1) [this.x, this.y] = [0.5, 0.5];
    for (const frame of this.frames) {
      const scale = this.fitOf(frame) * this.zoom;
      const [width, height] = [frame.row.width * scale, frame.row.height * scale];
      const { style } = frame.image;
      [style.width, style.height] = [`${width}px`, `${height}px`];
      const [left, top] = [frame.element.clientWidth / 2 - width * this.x, (frame.element.clientHeight - FRAME_CAPTION) / 2 - height * this.y];
      style.transform = `translate(${left}px, ${top}px)`;
    }
    byId("compare-fit").setAttribute("aria-pressed", this.zoom === 1);
    byId("compare-full").setAttribute("aria-pressed", Math.abs(this.zoom - this.fullZoom()) < 1e-6 && this.zoom > 1);
  }

  listenToPointer(element) {
    const pointers = new Map();
    const spread = () => {
      const [one, other] = [...pointers.values()];
      return Math.hypot(one[0] - other[0], one[1] - other[1]);
    };
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    element.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const spreadBefore = pointers.size === 2 ? spread() : null;
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      if (spreadBefore) return this.zoomTo((this.zoom * spread()) / spreadBefore);
      const image = element.firstChild;
      this.move((before[0] - event.clientX) / image.clientWidth, (before[1] - event.clientY) / image.clientHeight);
    });
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, (event) => pointers.delete(event.pointerId));
    element.addEventListener("dblclick", () => this.zoomTo(this.zoom > 1 ? 1 : this.fullZoom()));
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300));
    }, { passive: false });
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const pan = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, -0.05], ArrowDown: [0, 0.05] }[event.key];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const onButton = event.target.tagName === "BUTTON";
    if (pan && this.zoom > 1) this.move(...pan.map((part) => part / this.zoom ** 0.5));
    else if (step) this.setActive((this.active + step + this.frames.length) % this.frames.length);
    else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom * 1.5);
    else if (event.key === "-") this.zoomTo(this.zoom / 1.5);
    else if ((event.key === "Enter" || event.key === " ") && !onButton) this.zoomTo(this.zoom > 1 ? 1 : this.fullZoom());
    else return;
    event.preventDefault();
  }

  onClosed() {
    byId("frames").replaceChildren();
    this.frames = [];
    this.onClose();
  }
}
