// The query box: completion of fields and words, and where a mistake is. The language is
// the server's (GET /query tells its fields); here it is only cut into its terms.
import { get } from "/gui/api.js";
import { foreign, h, replace } from "/gui/dom.js";

const SHOWN = 10;
let fields = null; // asked for once, when a box is first used

const load = () => (fields = fields || get("/query").then((answer) => answer.fields).catch(() => (fields = null) || []));

// The terms at the top: [text, from, to]. One for all where they are joined by "or".
export function terms(text) {
  const found = [];
  let depth = 0, quoted = false, from = -1;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    const ends = c === undefined || (!quoted && depth <= 0 && /\s/.test(c));
    if (ends && from >= 0) {
      found.push([text.slice(from, i), from, i]);
      from = -1;
    } else if (!ends) {
      if (from < 0) from = i;
      if (c === "\\" && quoted) i++;
      else if (c === '"') quoted = !quoted;
      else if (c === "(" && !quoted) depth++;
      else if (c === ")" && !quoted) depth--;
    }
  }
  if (found.some(([word]) => /^or$/i.test(word))) return [[text.trim(), 0, text.length]];
  const joined = [];
  for (const term of found) {
    const before = joined.at(-1);
    if (/^and$/i.test(term[0])) continue;
    if (before && /^(not\s+)*not$/i.test(before[0])) joined[joined.length - 1] = [before[0] + " " + term[0], before[1], term[2]];
    else joined.push(term);
  }
  return joined;
}

// A text as a value: in quotes where it needs them.
export const quote = (text) => (/^[^\s"()*:=<>\\]+$/.test(text) ? text : '"' + text.replace(/["\\]/g, "\\$&") + '"');

// A chip for each term, with a way to drop it.
export function chips(view, before) {
  const q = view.query.get("q") || "";
  const drop = ([, from, to]) => view.change({ q: (q.slice(0, from) + q.slice(to)).trim().replace(/\s+/g, " ") || null, cursor: null });
  const all = terms(q).map((term) => chip(term[0], () => drop(term)));
  return all.length || before.length ? h("div", { class: "chips" }, before, all) : null;
}

export const chip = (term, drop) => h("span", { class: "chip" }, h("b", {}, foreign(term)),
  h("button", { type: "button", "aria-label": "Without " + term, click: drop }, "✕"));

// What stands before the caret and can be completed: its begin, and what fits.
function suggestions(text, at, all, rows) {
  const before = text.slice(0, at), [token] = before.match(/[^\s()"]*$/);
  const [, field, , value] = token.match(/^([a-z0-9]+)([:=])([a-z0-9-]*)$/i) || [];
  const fits = (row) => !row.rows || row.rows.includes(rows);
  if (field) {
    const row = all.find((f) => f.name === field.toLowerCase());
    return { from: at - value.length, items: (row?.values || []).filter((v) => fits(v) && v.name.startsWith(value.toLowerCase()))
      .map((v) => ({ text: v.name, insert: v.name + " ", help: v.help })) };
  }
  if (!/^[a-z0-9]*$/i.test(token) || (before.split('"').length % 2 === 0)) return { from: at, items: [] };
  return { from: at - token.length, items: all.filter((f) => fits(f) && f.name.startsWith(token.toLowerCase()))
    .map((f) => ({ text: f.name, insert: f.name + (f.operators.startsWith(":") && !/^[a-z]+</.test(f.example) ? ":" : ""), help: f.help, example: f.example })) };
}

/* A box for queries. how:
   input     the text field
   rows      () => what is asked: "certificates", ...
   changed   () => called when a suggestion was taken  */
export class QueryBox {
  constructor({ input, rows, changed }) {
    Object.assign(this, { input, rows, changed });
    this.list = h("ul", { id: "query-list", role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.note = h("div", { id: "query-note", class: "query-note", role: "status" });
    this.element = h("div", { class: "query-below" }, this.list, this.note);
    this.active = -1;
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "query-list" };
    for (const name in attributes) input.setAttribute(name, attributes[name]);
    input.addEventListener("focus", load);
    input.addEventListener("input", () => this.suggest(false));
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
  }

  async suggest(all) {
    const { input } = this, at = input.selectionStart, text = input.value;
    const known = await load();
    if (input.value !== text || document.activeElement !== input) return;
    const { from, items } = suggestions(text, at, known, this.rows());
    if (!all && from === at && !/[:=]$/.test(text.slice(0, at))) return this.close();
    this.from = from;
    this.items = items.slice(0, all ? items.length : SHOWN);
    this.active = -1;
    this.draw();
  }

  draw() {
    const { input, list, items } = this;
    replace(list, items.map((item, i) => h("li", {
      id: "query-option-" + i, role: "option", "aria-selected": String(i === this.active),
      mousedown: (event) => {
        event.preventDefault(); // the box keeps the focus
        this.take(i);
      } }, h("b", {}, item.text), h("span", { class: "quiet" }, item.help), item.example ? h("code", {}, item.example) : null)));
    list.hidden = items.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (this.active >= 0) {
      input.setAttribute("aria-activedescendant", "query-option-" + this.active);
      list.children[this.active].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.items = [];
    this.active = -1;
    this.draw();
  }

  take(i) {
    const { input } = this, at = input.selectionStart, item = this.items[i];
    const before = input.value.slice(0, this.from) + item.insert;
    input.value = before + input.value.slice(at);
    input.setSelectionRange(before.length, before.length);
    this.close();
    this.suggest(false);
    if (item.insert.endsWith(" ")) this.changed();
  }

  key(event) {
    const { items } = this, open = items?.length > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !open) this.suggest(true);
    else if (step) {
      this.active = (this.active + step + items.length + (this.active < 0 && step < 0 ? 1 : 0)) % items.length;
      this.draw();
    } else if ((event.key === "Enter" || event.key === "Tab") && open && this.active >= 0) this.take(this.active);
    else if (event.key === "Escape" && open) this.close();
    else return;
    event.preventDefault();
  }

  // A query that does not parse: what is wrong, below the place where it is. What is not yet
  // written to its end is only hinted at.
  wrong(problem) {
    const { input, note } = this, text = [...input.value], at = problem.column - 1;
    const mistake = problem.message.replace(/^column \d+: /, "");
    const isHint = at >= text.length && document.activeElement === input;
    note.classList.toggle("hint", isHint);
    input.setAttribute("aria-invalid", String(!isHint));
    input.setAttribute("aria-describedby", "query-note");
    replace(note, h("code", {}, foreign(text.slice(0, at).join("")), h("mark", {}, foreign(text[at] || " ")), foreign(text.slice(at + 1).join(""))),
      h("span", {}, "Column " + problem.column + ": ", foreign(mistake)));
  }

  right() {
    replace(this.note);
    this.input.removeAttribute("aria-invalid");
    this.input.removeAttribute("aria-describedby");
  }
}
