"use strict";
// Two photos: which is better? The answers are the person's, and a taste is learned from them.

class PairDialog {
  constructor(source, onClose) {
    Object.assign(this, { source, onClose, dialog: byId("pairs"), photos: [], isBusy: false });
    this.dialog.addEventListener("close", () => this.onClose());
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    byId("pair-left").addEventListener("click", () => this.answer(0));
    byId("pair-right").addEventListener("click", () => this.answer(1));
    byId("pair-equal").addEventListener("click", () => this.answer(0, true));
    byId("pair-skip").addEventListener("click", () => this.take(() => this.source.pair()));
    byId("pair-close").addEventListener("click", () => this.dialog.close());
  }

  async show() {
    this.fill({ photos: [] });
    byId("pair-count").textContent = "Choosing two photos …";
    this.dialog.showModal();
    await this.take(() => this.source.pair());
  }

  answer(better, equal = false) {
    if (this.photos.length < 2) return;
    const [one, other] = [this.photos[better].id, this.photos[1 - better].id];
    this.take(() => this.source.answerPair(one, other, equal));
  }

  /** The next pair, one answer at a time: a key that repeats must not answer what nobody has seen. */
  async take(ask) {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      this.fill(await ask());
    } catch (problem) {
      byId("pair-count").textContent = problem.message;
    }
    this.isBusy = false;
  }

  fill({ photos, answered = 0 }) {
    this.photos = photos;
    ["pair-left", "pair-right"].forEach((id, place) => {
      const row = photos[place];
      const side = place ? "Right" : "Left";
      byId(id).disabled = !row;
      byId(id).setAttribute("aria-label", row ? `${side} is better: ${row.name}` : side);
      const image = create("img", { alt: "", draggable: false });
      if (row) image.src = this.source.picture(row);
      byId(id).replaceChildren(...(row ? [image] : []));
    });
    byId("pair-equal").disabled = byId("pair-skip").disabled = !photos.length;
    byId("pair-count").textContent = `${countOf(answered, "pair")} answered${photos.length ? "" : ": there are no more"}`;
  }

  onKey(event) {
    event.stopPropagation();
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (key === "arrowleft") this.answer(0);
    else if (key === "arrowright") this.answer(1);
    else if (key === "arrowdown" || key === "=") this.answer(0, true);
    else if (key === "arrowup" || key === "s") this.take(() => this.source.pair());
    else return;
    event.preventDefault();
  }
}
