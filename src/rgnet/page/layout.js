"use strict";
// The layout of the grid: photos with their own aspect ratio, in lines of one height each that fill the width.

const CAPTION_HEIGHT = 30;
const GROUP_HEIGHT = 34; // two lines of what is said of the photo's group
const HEADING_HEIGHT = 64;
const FIRST_HEADING_HEIGHT = 40;
const NARROWEST = 0.55; // aspect ratio of a card, width by height
const WIDEST = 3;
const UNKNOWN = 1.25;

/** Lines: {top, height, first, last} of photos, whose boxes come from `boxesOf`, and {top, height, boxes} of a heading. */
function layOut(rows, group, { width, gap, lineHeight, captionHeight = CAPTION_HEIGHT }) {
  const lines = [];
  let [top, start, ratios, heading] = [0, 0, 0, undefined];
  const finishLine = (end, height) => {
    if (end > start) {
      lines.push({ top, height: height + captionHeight, first: start, last: end - 1, faceHeight: height, gap });
      top += height + captionHeight + gap;
    }
    [start, ratios] = [end, 0];
  };
  rows.forEach((row, index) => {
    const title = group?.(row);
    if (title !== heading) {
      finishLine(index, lineHeight);
      heading = title;
      const height = top ? HEADING_HEIGHT : FIRST_HEADING_HEIGHT;
      const box = { key: `g${index}:${title}`, heading: title, left: 0, top, width, height };
      lines.push({ top, height, boxes: [box] });
      top += height;
    }
    ratios += aspectRatio(row);
    const available = width - gap * (index - start);
    if (ratios * lineHeight >= available) finishLine(index + 1, Math.min(available / ratios, lineHeight * 1.25));
  });
  finishLine(rows.length, lineHeight);
  return lines;
}

/** The boxes of a line, which are many: made when they are drawn. */
function boxesOf({ boxes, first, last, top, height, faceHeight, gap }, rows) {
  if (boxes) return boxes;
  let left = 0;
  return rows.slice(first, last + 1).map((row, offset) => {
    const box = { key: `p${row.id}`, index: first + offset, left, top, width: aspectRatio(row) * faceHeight, height };
    left += box.width + gap;
    return box;
  });
}

function aspectRatio(row) {
  if (row.error || !row.width || !row.height) return UNKNOWN;
  return Math.min(Math.max(row.width / row.height, NARROWEST), WIDEST);
}

function setBox(element, { left, top, width, height }) {
  element.style.transform = `translate(${left}px, ${top}px)`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
}
