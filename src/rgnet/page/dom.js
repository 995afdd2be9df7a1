"use strict";
// The document: its elements, and what the browser keeps for it.

const at = (id) => document.getElementById(id);

/** An element with properties and children; text becomes text and nothing else. */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** A choice kept from one visit to the next, where the browser allows it. */
function keep(name, value) {
  try {
    localStorage.setItem(`rgnet-${name}`, value);
  } catch {
    // A page that may not keep anything works all the same
  }
}

function kept(name, allowed) {
  try {
    const value = localStorage.getItem(`rgnet-${name}`);
    return allowed.includes(value) ? value : null;
  } catch {
    return null;
  }
}

/** A function that runs when no call has come for some milliseconds. */
function delayed(run, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}
