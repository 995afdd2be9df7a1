"use strict";
// The document: its elements, and what the browser remembers for it.

const byId = (id) => document.getElementById(id);

/** An element with properties and children; text becomes text and nothing else. */
function create(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Remember a choice from one visit to the next, where the browser allows it. */
function saveChoice(name, value) {
  try {
    localStorage.setItem(`rgnet-${name}`, value);
  } catch {
    // A page that may not store anything works all the same
  }
}

function loadChoice(name, allowed) {
  try {
    const value = localStorage.getItem(`rgnet-${name}`);
    return allowed.includes(value) ? value : null;
  } catch {
    return null;
  }
}

/** A function that runs once no call has come for some milliseconds. */
function debounce(run, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}

/** Text for comparison, whatever its case and Unicode form. */
function fold(text) {
  return text.normalize("NFC").toLowerCase().normalize("NFC");
}
