// <clm-list>: a table whose rows come from the server page by page. Its order and
// place stand in the URL, so that a view can be bookmarked and sent.
import { get } from "/gui/api.js";
import { h, plain, replace } from "/gui/dom.js";
import { count } from "/gui/format.js";

/* What a page says about its list:
   path        of the API, e.g. "/certificates"
   fixed       parameters that are always sent, besides those of the URL
   caption     what the table holds, for those who do not see it
   columns     { title, key?: to sort by, numeric?, wide?: hidden on narrow screens,
                kind?: class of its cells, cell: (row) => node }
   sort        the key that holds where the URL names none
   order       the same for "asc" (where it is not given) and "desc"; for lists without
               columns to sort by
   link        (row) => address that Enter and a click on the row's first link open
   dim         (row) => true where the row is history
   empty       () => node to show where there is no row
   select      (rows) => nodes for the bar that acts on selected rows; none: no selection
   total       (n) => called with how many rows there are  */
export class List extends HTMLElement {
  start(view, how) {
    this.view = view;
    this.how = how;
    this.selected = new Map();
    return this.load();
  }

  get order() {
    const sort = this.view.query.get("sort") || this.how.sort;
    return { sort, descending: (this.view.query.get("order") || this.how.order) === "desc" };
  }

  async load() {
    const { query, signal } = this.view;
    const { sort, descending } = this.order;
    const page = await get(this.how.path, {
      ...this.how.fixed, q: query.get("q"), cursor: query.get("cursor"), sort, order: descending ? "desc" : "asc",
    }, signal);
    this.rows = page.items;
    this.draw(page);
    this.how.total?.(page.total);
  }

  draw(page) {
    if (page.items.length === 0) {
      replace(this, this.how.empty());
      return;
    }
    this.bar = h("div", { class: "selection", role: "status" });
    replace(this,
      this.how.select ? this.bar : null,
      h("div", { class: "sheet" },
        h("table", {}, h("caption", {}, this.how.caption), h("thead", {}, this.heading()),
          h("tbody", {}, page.items.map((row, i) => this.row(row, i))))),
      this.pager(page));
    this.showSelection();
  }

  heading() {
    return h("tr", {},
      this.how.select ? h("th", { class: "wide pick" }, this.pickAll()) : null,
      this.how.columns.map((column) => this.headingCell(column)));
  }

  kind(column) {
    return [column.numeric && "num", column.wide && "wide", column.kind].filter(Boolean).join(" ") || null;
  }

  headingCell(column) {
    const { sort, descending } = this.order;
    const active = column.key && column.key === sort;
    const direction = active && !descending ? "desc" : null;
    const turn = () => this.view.change({ sort: column.key === this.how.sort ? null : column.key, order: direction, cursor: null });
    return h("th", {
      scope: "col", class: this.kind(column),
      "aria-sort": active ? (descending ? "descending" : "ascending") : null,
    }, column.key
      ? h("button", { type: "button", class: "sort", "data-focus": "sort-" + column.key, click: turn }, column.title,
          h("span", { "aria-hidden": "true" }, active ? (descending ? " ▾" : " ▴") : ""))
      : column.title);
  }

  row(row, index) {
    const dim = this.how.dim?.(row);
    return h("tr", { "data-index": index, class: dim ? "gone" : null },
      this.how.select ? h("td", { class: "wide pick" }, this.pick(row)) : null,
      this.how.columns.map((column) =>
        h("td", { class: this.kind(column) }, column.cell(row))));
  }

  pick(row) {
    return h("input", {
      type: "checkbox", "aria-label": "Select " + plain(this.how.name(row)),
      change: (event) => this.setSelected(row, event.target.checked),
    });
  }

  pickAll() {
    const all = (event) => {
      for (const box of this.querySelectorAll("tbody input")) box.checked = event.target.checked;
      for (const row of this.rows) this.setSelected(row, event.target.checked);
    };
    return h("input", { type: "checkbox", "aria-label": "Select all rows of this page", change: all });
  }

  setSelected(row, on) {
    if (on) this.selected.set(row, true);
    else this.selected.delete(row);
    this.showSelection();
  }

  showSelection() {
    const rows = [...this.selected.keys()];
    replace(this.bar, rows.length === 0 ? null : [h("span", {}, count(rows.length) + " selected"), this.how.select(rows)]);
  }

  pager(page) {
    const to = (cursor) => () => this.view.change({ cursor }, { push: true });
    const beyondFirst = this.view.query.get("cursor");
    if (!beyondFirst && !page.next) return null;
    return h("nav", { class: "pager", "aria-label": "Pages of the list" },
      beyondFirst ? h("button", { type: "button", click: to(null) }, "First page") : null,
      h("span", { class: "quiet" }, count(page.items.length) + " of " + count(page.total)),
      page.next ? h("button", { type: "button", click: to(page.next) }, "Next page") : null);
  }

  // j and k: the focus moves to the first link of the row below or above.
  move(step) {
    const rows = [...this.querySelectorAll("tbody tr")];
    const at = rows.indexOf(document.activeElement?.closest("tbody tr"));
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
    next?.querySelector("a")?.focus();
  }

  // x: selects the row that has the focus.
  toggle() {
    document.activeElement?.closest("tbody tr")?.querySelector("input[type=checkbox]")?.click();
  }
}

customElements.define("clm-list", List);

export function list(view, how) {
  const element = document.createElement("clm-list");
  return { element, ready: element.start(view, how) };
}

// What a list says when it has nothing to show.
export const nothing = (title, ...words) => h("div", { class: "sheet nothing" }, h("h2", {}, title), h("p", { class: "quiet" }, words));
