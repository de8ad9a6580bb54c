// The one way to make DOM. Strings become text nodes, never markup; characters
// that hide or reorder text are shown by their numbers, whoever wrote the text.

// Controls, bidirectional and zero-width format characters, tags (Unicode 16, Cc and Cf).
const HIDDEN =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const HIDDEN_OR_BREAK = new RegExp(HIDDEN.source + "|\n", "gu");

const number = (c) => "U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

// For attributes and titles, where there are no nodes.
export const plain = (text) => String(text).replace(HIDDEN, (c) => "[" + number(c) + "]");

function textNodes(text, pattern) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > at) nodes.push(document.createTextNode(text.slice(at, found.index)));
    const mark = document.createElement("span");
    mark.className = "hidden-character";
    mark.textContent = number(found[0]);
    nodes.push(mark);
    at = found.index + found[0].length;
  }
  if (at < text.length || nodes.length === 0) nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

function add(parent, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) child.forEach((c) => add(parent, c));
  else if (child instanceof Node) parent.append(child);
  else parent.append(...textNodes(String(child), HIDDEN));
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name, value);
  else element.setAttribute(name, value === true ? "" : plain(value));
}

// h("a", {href: "/", click: handler}, "text", node, [more], null)
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes || {}) set(element, name, attributes[name]);
  add(element, children);
  return element;
}

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes || {}) set(element, name, attributes[name]);
  add(element, children);
  return element;
}

// Text out of a certificate or from an agent: set apart from its surroundings,
// so that its direction of writing moves nothing else; line breaks are shown too.
export function foreign(text) {
  const element = document.createElement("bdi");
  element.append(...textNodes(String(text), HIDDEN_OR_BREAK));
  return element;
}

export const mono = (text) => {
  const element = foreign(text);
  element.className = "mono";
  return element;
};

// For screen readers only.
export const unseen = (text) => h("span", { class: "unseen" }, text);

export function replace(parent, ...children) {
  parent.replaceChildren();
  add(parent, children);
}

// A modal dialog with a heading; `fill(close)` gives its content. Escape closes it,
// the focus goes back to where it was.
export function dialog(title, fill) {
  const heading = h("h2", { id: "dialog-title" }, title);
  const box = h("dialog", { "aria-labelledby": "dialog-title", close: () => box.remove() });
  const close = () => box.close();
  add(box, [
    h("header", {}, heading, h("button", { type: "button", class: "close", "aria-label": "Close", click: close }, "✕")),
    fill(close),
  ]);
  document.body.append(box);
  box.showModal();
  return box;
}

let ids = 0;

// A labelled field; options are attributes of the input. With `rows` it has several lines.
export function field(label, options, hint) {
  const id = "field-" + ++ids;
  const { choices, ...attributes } = options;
  const common = { ...attributes, id, "aria-describedby": hint ? id + "-hint" : null };
  const input = choices ? h("select", common, choices.map(([value, text]) => h("option", { value }, text)))
    : attributes.rows ? h("textarea", { ...common, value: null }) : h("input", common);
  if (attributes.rows) input.value = attributes.value || ""; // as it is, also what is hidden
  return h("div", { class: "field" }, h("label", { for: id }, label), input,
    hint ? h("span", { class: "quiet", id: id + "-hint" }, hint) : null);
}

// Copies text and says so on the button for a moment.
export function copyButton(label, text, attributes) {
  const button = h("button", { type: "button", ...attributes, click: copy }, label);
  async function copy() {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? await text() : text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => (button.textContent = label), 1500);
  }
  return button;
}
