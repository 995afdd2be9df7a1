"use strict";
// Marks written into XMP sidecars: first what would change, then, if that is wanted, the change.

const CHUNK = 200;
const MOST_SHOWN = 300;
const ACTIONS = { create: "new", set: "changed", keep: "kept as it is", failed: "refused" };

class SidecarDialog {
  constructor(source, onClose) {
    Object.assign(this, { source, onClose, dialog: byId("sidecars") });
    this.dialog.addEventListener("close", () => this.onClose());
    byId("overwrite").addEventListener("change", () => this.run(false));
    byId("naming").value = loadChoice("naming", ["full", "stem"]) ?? "full";
    byId("naming").addEventListener("change", (event) => {
      saveChoice("naming", event.target.value);
      this.run(false);
    });
    byId("write").addEventListener("click", () => this.run(true));
  }

  get isOpen() {
    return this.dialog.open;
  }

  show(ids) {
    this.ids = ids;
    byId("overwrite").checked = false;
    this.dialog.showModal();
    return this.run(false);
  }

  /** Ask for the changes of all photos, a part after the other. */
  async run(write) {
    byId("write").disabled = byId("overwrite").disabled = byId("naming").disabled = true;
    const options = { write, overwrite: byId("overwrite").checked, naming: byId("naming").value };
    const changes = [];
    try {
      for (let start = 0; start < this.ids.length; start += CHUNK) {
        byId("sidecar-count").textContent = `${write ? "Writing" : "Looking at"} ${start} of ${this.ids.length} …`;
        changes.push(...(await this.source.sidecars(this.ids.slice(start, start + CHUNK), options)));
      }
      this.fill(changes, write);
    } catch (problem) {
      byId("sidecar-count").textContent = problem.message;
    }
    byId("overwrite").disabled = byId("naming").disabled = false;
  }

  fill(changes, written) {
    const count = (...actions) => changes.filter(({ action }) => actions.includes(action)).length;
    const changed = count("create", "set");
    const kept = changes.filter(({ kept }) => kept.length).length;
    const parts = [
      `${countOf(changed, "sidecar")} ${written ? "written" : "would change"}`,
      kept && `${countOf(kept, "photo")} with values of another program that stay`,
      count("failed") && `${count("failed")} refused`,
      count("unchanged") && `${count("unchanged")} as ${count("unchanged") === 1 ? "it" : "they"} should be`,
    ];
    byId("sidecar-count").textContent = parts.filter(Boolean).join("; ");
    const shown = changes.filter(({ action }) => action !== "unchanged");
    byId("sidecar-rows").replaceChildren(...shown.slice(0, MOST_SHOWN).map(createSidecarRow));
    byId("sidecar-table").hidden = !shown.length;
    byId("write").disabled = written || !changed;
  }
}

function createSidecarRow({ path, sidecar, action, before, after, kept, error }) {
  const name = (sidecar ?? path).split(/[/\\]/).pop();
  const state = (values) => Object.entries(values).map(([key, value]) => `${key} ${value}`).join(", ") || "nothing";
  const stays = kept.length ? ` (${kept.join(", ")} stays)` : "";
  const file = create("th", { scope: "row", title: sidecar ?? path }, name);
  const change = error ?? `${state(before)} → ${state(after)}${stays}`;
  return create("tr", {}, file, create("td", {}, ACTIONS[action] ?? action), create("td", {}, change));
}
