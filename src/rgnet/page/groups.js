"use strict";
// Look-alikes: one card for each group, the best frame on top, and the others in place while the group is open.

const TOO_CLOSE = "too close to call";

/** Of each group the best of these rows; what cannot be shown stands for nothing. */
function keepBest(rows) {
  const isMember = (row) => row.group && !row.error;
  const best = new Map();
  for (const row of rows.filter(isMember)) {
    const known = best.get(row.group.number);
    if (!known || row.group.rank < known.group.rank) best.set(row.group.number, row);
  }
  return rows.filter((row) => !isMember(row) || best.get(row.group.number) === row);
}

/** What one picture is made of: bracket, focus stack, panorama. */
const isKeptWhole = ({ group }) => ["bracket", "focus stack", "panorama"].includes(group.kind);

/** What a photo is in its group: "best of 5 · sharper"; "bracket of 3 · kept whole". */
function describeMember(row) {
  const { kind, size, place, rank, reason } = row.group;
  if (isKeptWhole(row)) return `${kind} of ${size} · kept whole`;
  const first = reason === TOO_CLOSE ? "first" : "best";
  return `${rank ? ordinal(place + 1) : first} of ${size} · ${reason}`;
}

const ordinalRules = new Intl.PluralRules("en", { type: "ordinal" });
const ordinal = (number) => number + { one: "st", two: "nd", few: "rd", other: "th" }[ordinalRules.select(number)];

/** "5 photos of a burst". */
function describeKind({ group: { kind, size } }) {
  return kind === "copies" ? `${size} copies` : `${size} photos of a ${kind}`;
}

/** The groups that are open, each with its photos in their order. */
class OpenGroups {
  constructor(source) {
    Object.assign(this, { source, photos: new Map() });
  }

  isOpen(row) {
    return Boolean(row?.group) && this.photos.has(row.group.number);
  }

  /** The row that a photo's card stood in before its group was opened. */
  leadOf(row) {
    return this.photos.get(row.group?.number)?.lead ?? row;
  }

  /** The photos of an open group in their order; none of others. */
  photosOf(row) {
    return (row?.group && this.photos.get(row.group.number)?.rows) ?? [];
  }

  async open(lead) {
    const { number } = lead.group;
    const photos = await this.source.findGroup(lead);
    // The card's own row stays the one that is listed, so that its marks stay one
    const rows = photos.map((row) => (row.id === lead.id ? lead : row));
    this.photos.set(number, { lead, rows: rows.includes(lead) ? rows : [lead, ...rows] });
  }

  close(row) {
    this.photos.delete(row.group.number);
  }

  /** Rows as they are shown, the photos of open groups in place of the one that stands for them. */
  spread(rows) {
    if (!this.photos.size) return rows;
    return rows.flatMap((row) => (this.isOpen(row) && this.leadOf(row) === row ? this.photosOf(row) : [row]));
  }
}

/** Beside the link to the photo, for the pointer and for Tab: shows or hides the others. */
function createGroupButton(onToggle) {
  const button = create("button", { type: "button", className: "stack" });
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    onToggle();
  });
  return button;
}

function fillGroupButton(button, row, isOpen) {
  const what = describeKind(row);
  button.textContent = isOpen ? "−" : `+${row.group.size - 1}`;
  button.title = `${isOpen ? "Hide the others" : "Show all"} (S)`;
  setAttributes(button, { "aria-expanded": isOpen, "aria-label": isOpen ? `Close: ${what}` : `Show all ${what}` });
}
