// All certificates: asked for by queries, ordered and paged by the server. Tabs are queries
// too; without a state ("is:...") in the query only what is served now is shown.
import { get, text } from "/gui/api.js";
import { foreign, h } from "/gui/dom.js";
import { certificateLink, count, date, key, mark, shortName, stateMark } from "/gui/format.js";
import { list, nothing } from "/gui/list.js";
import { chip, chips } from "/gui/query.js";

function names(row) {
  if (!row.names.length) return null;
  const more = row.names_total - row.names.length;
  return h("span", { class: "sub" }, row.names.map((name, i) => [i ? ", " : "", foreign(name)]), more > 0 ? " + " + count(more) : null);
}

const status = (row) => (row.bad ? mark("bad", "✕", "unreadable") : row.revoked ? mark("bad", "✕", "revoked") : stateMark(row));

const places = (row) => (row.issued_not_served ? h("span", { class: "quiet" }, "not yet") : count(row.places));

const COLUMNS = [
  { title: "Status", cell: status },
  { title: "Name", kind: "name", key: "display_name", cell: (row) => [certificateLink(row), names(row)] },
  { title: "Issuer", kind: "issuer mid", cell: (row) => (row.self_signed ? mark("plain", "", "self-signed") : foreign(shortName(row.issuer))) },
  { title: "Key", wide: true, kind: "tight", cell: (row) => key(row.key) },
  { title: "Ends", key: "not_after", numeric: true, kind: "mid", cell: (row) => date(row.not_after) },
  { title: "Owner", kind: "issuer wider", cell: (row) => (row.owner ? foreign(row.owner) : h("span", { class: "quiet" }, "—")) },
  { title: "Places", numeric: true, kind: "mid", cell: places },
  { title: "First seen", key: "first_seen", numeric: true, kind: "wider", cell: (row) => date(row.first_seen) },
];

// Several PEM texts as one file.
export function save(name, content) {
  const url = URL.createObjectURL(new Blob([content], { type: "application/x-pem-file" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function saveAll(rows) {
  const all = [];
  for (const row of rows) all.push(await text("/certificates/" + row.sha256 + "/pem"));
  save("certificates.pem", all.join(""));
}

export const tab = (view, path, label, value, current) =>
  h("a", { href: path + (value ? "?view=" + value : ""), "aria-current": current === value ? "page" : null, "data-focus": "tab-" + value,
    click: (event) => {
      event.preventDefault();
      event.stopPropagation();
      view.change({ view: value || null, cursor: null });
    } }, label);

// An agent in the address, as links of its page have it.
export async function agentChip(view) {
  const id = view.query.get("agent");
  if (!id) return null;
  const agent = await get("/agents/" + encodeURIComponent(id), null, view.signal).catch(() => null);
  return chip("agent:" + (agent ? agent.name : id), () => view.change({ agent: null, cursor: null }));
}

// Views that are kept: each is a query.
const VIEWS = [
  ["Served now", { }],
  ["Expiring", { q: "is:served not is:expired expires<30d" }],
  ["Expired", { q: "is:served is:expired" }],
  ["Self-signed", { q: "is:served is:self-signed not is:ca" }],
  ["Weak", { q: "is:served (key:rsa<2048 or key:ec<224 or key:dsa or sig:md5 or sig:sha1)" }],
  ["Unmanaged", { q: "is:served not is:managed not is:ca" }],
  ["All", { view: "all" }],
];

function tabs(view) {
  const [q, all] = [view.query.get("q"), view.query.get("view")];
  const address = (to) => "/certificates" + (Object.keys(to).length ? "?" + new URLSearchParams(to) : "");
  return h("div", { class: "tabs" }, VIEWS.map(([label, to]) => h("a", {
    href: address(to), "data-focus": "tab-" + label, "aria-current": (to.q || null) === q && (to.view || null) === (q ? null : all) ? "page" : null,
    click: (event) => {
      event.preventDefault();
      event.stopPropagation();
      view.change({ q: to.q || null, view: to.view || null, cursor: null });
    } }, label)));
}

function empty(view, all) {
  const q = view.query.get("q");
  if (q) return nothing("Nothing fits", "No certificate fits “", foreign(q), "”", all ? "." : " among those served now. ",
    all ? null : h("a", { href: "/certificates?view=all&q=" + encodeURIComponent(q) }, "Search all certificates"));
  return nothing("No certificates yet", "They appear here as soon as an agent has scanned. ", h("a", { href: "/agents" }, "Add an agent"));
}

export async function show(view) {
  const q = view.query.get("q") || "", agent = view.query.get("agent");
  const all = view.query.get("view") === "all" || /(^|[\s(])is:/i.test(q);
  const total = h("span", { class: "quiet", role: "status" });
  const { element, ready } = list(view, {
    path: "/certificates",
    fixed: { served: all ? null : "true", agent },
    caption: "Certificates",
    columns: COLUMNS,
    sort: "not_after",
    dim: (row) => row.places === 0,
    name: (row) => row.display_name,
    empty: () => empty(view, all),
    select: (rows) => h("button", { type: "button", click: () => saveAll(rows) }, "Download PEM"),
    total: (n) => (total.textContent = count(n) + (!all ? " served now" : q ? "" : " known")),
  });
  await ready;
  return [
    h("div", { class: "head" }, h("h1", {}, "Certificates"), total),
    tabs(view),
    chips(view, [all ? null : chip("is:served", () => view.change({ view: "all", cursor: null })), await agentChip(view)].filter(Boolean)),
    element,
  ];
}
