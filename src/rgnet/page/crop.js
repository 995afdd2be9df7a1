"use strict";
// The best crop of the photo that is looked at, as a frame over it. Only a service finds one, and nothing is written.

class CropTool {
  constructor(source) {
    Object.assign(this, { source, photo: null, found: null, last: "16:9" });
    document.querySelector(".keys .cropping").hidden = !source.crop;
    byId("crop-ratio").addEventListener("change", () => this.ask());
    byId("crop-copy").addEventListener("click", () => this.attempt(async () => {
      await copyText(findSides(this.found).join(","));
      return "Copied: left, top, right, bottom";
    }));
    byId("crop-download").addEventListener("click", () => downloadText(`${this.photo.name}.crop.json`, this.describe()));
  }

  /** Change to a photo; the ratio stays as it is. */
  fill(photo) {
    const isUsable = Boolean(this.source.crop) && !photo.error;
    byId("cropping").hidden = !isUsable;
    if (isUsable && photo.id === this.photo?.id) return;
    this.photo = isUsable ? photo : null;
    this.ask();
  }

  toggle() {
    if (!this.photo) return;
    byId("crop-ratio").value = byId("crop-ratio").value ? "" : this.last;
    this.ask();
  }

  async ask() {
    const { photo } = this;
    const ratio = byId("crop-ratio").value;
    this.show(null, photo && ratio ? "Looking for the best crop …" : "");
    if (!photo || !ratio) return;
    this.last = ratio;
    const answer = await this.source.crop(photo.id, ratio).catch((problem) => ({ problem }));
    if (photo !== this.photo || ratio !== byId("crop-ratio").value) return;
    if (answer.problem) this.show(null, answer.problem.message);
    else this.show(answer, describeCrop(answer));
  }

  show(found, said) {
    this.found = found;
    byId("crop-said").textContent = said;
    byId("crop-frame").hidden = byId("crop-actions").hidden = !found;
    if (!found) return;
    const { width, height } = this.photo;
    const [left, top, right, bottom] = findSides(found);
    const shares = { left: left / width, top: top / height, width: (right - left) / width, height: (bottom - top) / height };
    for (const [name, share] of Object.entries(shares)) byId("crop-frame").style[name] = `${share * 100}%`;
  }

  /** What is downloaded: the columns of `rgnet crop --json` that say where the crop lies and how good it is. */
  describe() {
    const { best, centre, is_clear, centre_cuts } = this.found;
    const { path, width, height } = this.photo;
    return JSON.stringify({ path, width, height, ratio: byId("crop-ratio").value, ...best, centre: centre.score, is_clear, centre_cuts }, null, 1) + "\n";
  }

  async attempt(action) {
    byId("crop-said").textContent = await action().catch((problem) => problem.message);
  }
}

function findSides({ best }) {
  return [best.left, best.top, best.right, best.bottom];
}

function describeCrop(found) {
  const [left, top, right, bottom] = findSides(found);
  const where = `${right - left} × ${bottom - top} pixels, ${left} from the left and ${top} from the top`;
  const scores = `score ${found.best.score.toFixed(2)}, in the middle ${found.centre.score.toFixed(2)}`;
  if (found.centre_cuts) return `${where}: the middle would cut or lose a face; ${scores}.`;
  return found.is_clear ? `${where}: ${scores}.` : `${where}. This is the middle: no crop of this size is clearly better.`;
}
