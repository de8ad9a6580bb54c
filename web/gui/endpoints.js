// Endpoints: what answers where, and how each face of one looked last.
import { get } from "/gui/api.js";
import { foreign, h, mono } from "/gui/dom.js";
import { agentLink, certificateLink, count, date, endpointLink, moment, outcomeMark, outcomeWords, place, stateMark } from "/gui/format.js";
import { agentChip } from "/gui/certificates.js";
import { list, nothing } from "/gui/list.js";
import { chips } from "/gui/query.js";

const tls = (facts) => (facts ? [foreign(facts.version || ""), h("span", { class: "sub" }, foreign(facts.cipher_suite || ""))] : "—");

const kind = (row) => (row.kind === "tls" ? (row.protocol === "tls" ? null : row.protocol) : row.kind);

// Of a file: what it is, whose, who may read it, and whether keys lie in it.
const fileFacts = (f) => [
  ["File", [f.container ? f.container.toUpperCase() : "no container of certificates", " · ", count(f.size) + " bytes"]],
  ["Owner", [f.owner ? foreign(f.owner) : String(f.owner_id ?? "unknown"), f.group || f.group_id !== null ? [":", f.group ? foreign(f.group) : String(f.group_id)] : null,
    f.mode ? [" · mode ", mono(f.mode)] : null]],
  ["Modified", moment(f.modified)],
  ["Private keys in it", count(f.private_keys)],
];

const COLUMNS = [
  { title: "Status", cell: (row) => (row.certificate ? stateMark(row.certificate) : outcomeMark(row.outcome)) },
  { title: "Endpoint", kind: "name", key: "host", cell: (row) => [endpointLink(row), h("span", { class: "sub" },
    [row.network !== "default" ? row.network : null, kind(row)].filter(Boolean).join(" · "))] },
  { title: "Certificate", kind: "place mid", cell: (row) => (row.certificate ? certificateLink(row.certificate) : h("span", { class: "quiet" }, row.detail ? foreign(row.detail) : "none")) },
  { title: "Ends", numeric: true, kind: "mid", cell: (row) => date(row.certificate?.not_after) },
  { title: "TLS", kind: "tight wide", cell: (row) => (row.tls?.version ? foreign(row.tls.version) : "—") },
  { title: "Agent", kind: "issuer wide", cell: (row) => agentLink(row.agent) },
  { title: "Last scan", numeric: true, kind: "mid", cell: (row) => moment(row.last_scan) },
];

export async function show(view) {
  const agent = view.query.get("agent"), q = view.query.get("q");
  const total = h("span", { class: "quiet", role: "status" });
  const { element, ready } = list(view, {
    path: "/endpoints",
    fixed: { agent },
    caption: "Endpoints",
    columns: COLUMNS,
    sort: "host",
    name: place,
    empty: () => (q ? nothing("Nothing fits", "No endpoint fits “", foreign(q), "”.")
      : nothing("No endpoints yet", "They appear here as soon as an agent has scanned. ", h("a", { href: "/agents" }, "Add an agent"))),
    total: (n) => (total.textContent = count(n) + " known"),
  });
  await ready;
  return [
    h("div", { class: "head" }, h("h1", {}, "Endpoints"), total),
    chips(view, [await agentChip(view)].filter(Boolean)),
    element,
  ];
}

const heading = (titles) => h("thead", {}, h("tr", {}, titles.map(([title, kind_]) => h("th", { scope: "col", class: kind_ || null }, title))));

// What else a face told, as short words.
function facts(f) {
  const t = f.tls || {}, words = [];
  if (t.alpn) words.push(["ALPN ", foreign(t.alpn)]);
  if (t.ocsp_stapled) words.push("OCSP stapled");
  if (t.scts) words.push(count(t.scts) + " SCTs");
  if (t.client_certificate)
    words.push(h("span", { title: (t.client_ca_names || []).join("\n") || null },
      t.client_ca_names?.length ? ["client certificate of ", t.client_ca_names.slice(0, 3).map((n, i) => [i ? "; " : "", foreign(n)])] : "client certificate asked"));
  if (t.old_version && t.old_version !== "none") words.push([foreign(t.old_version), " still accepted"]);
  if (t.hybrid_group) words.push(t.hybrid_group === "none" ? "no hybrid group" : [foreign(t.hybrid_group), " accepted"]);
  if (f.connect_ms !== null && f.connect_ms !== undefined) words.push(`${f.connect_ms} ms to connect, ${f.duration_ms} ms in all`);
  if (f.bytes) words.push(count(f.bytes) + " bytes");
  return h("span", { class: "sub" }, words.map((w, i) => [i ? " · " : "", w]));
}

function faceRow(f, isTls) {
  const chain = f.certificates.map((c) => h("div", {}, c.display_name ? certificateLink(c) : h("a", { href: "/certificates/" + c.sha256 }, mono(c.sha256.slice(0, 16)))));
  return h("tr", {},
    h("td", {}, outcomeMark(f.outcome), h("span", { class: "sub" }, f.outcome === "ok" ? null : "at " + f.stage,
      f.alert === null || f.alert === undefined ? null : ", alert " + f.alert)),
    h("td", {}, f.sni ? foreign(f.sni) : h("span", { class: "quiet" }, isTls ? "no SNI" : "as it lies there"), h("span", { class: "sub" }, f.address ? mono(f.address) : null,
      f.asked && f.asked !== "any" ? " · " + f.asked.toUpperCase() : null)),
    h("td", { class: "mid" }, chain.length ? chain : h("span", { class: "quiet" }, f.detail ? foreign(f.detail) : "none"), facts(f)),
    h("td", { class: "wide" }, tls(f.tls)),
    h("td", { class: "wide" }, f.tls?.group ? foreign(f.tls.group) : "—"),
    h("td", { class: "num" }, moment(f.time)));
}

function faces(e) {
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Faces"), h("span", { class: "quiet" }, "each address, name and kind of key by itself, as seen last")),
    h("table", {}, h("caption", {}, "Faces of this endpoint"),
      heading([["Outcome"], ["Face"], ["Certificates", "mid"], ["TLS", "wide"], ["Group", "wide"], ["Time", "num"]]), h("tbody", {}, e.faces.map((f) => faceRow(f, e.kind === "tls")))));
}

function history(e) {
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Certificates now and before")),
    e.history.length
      ? h("table", {}, h("caption", {}, "Certificates that this endpoint showed"), heading([["Certificate"], ["First", "num"], ["Last", "num"]]),
          h("tbody", {}, e.history.map((s) => h("tr", { class: s.served === false ? "gone" : null },
            h("td", {}, certificateLink(s.certificate), h("span", { class: "sub" }, s.sni ? foreign(s.sni) : e.kind === "tls" ? "no SNI" : null)),
            h("td", { class: "num" }, moment(s.first_seen)), h("td", { class: "num" }, moment(s.last_seen))))))
      : h("p", { class: "pad quiet" }, "No certificate was ever seen here."));
}

export async function showOne(view) {
  const e = await get("/endpoints/" + encodeURIComponent(view.params.id), null, view.signal);
  view.title(place(e));
  const rows = [
    ["Outcome", [outcomeWords(e.outcome), e.detail ? [": ", foreign(e.detail)] : null]],
    ["Protocol", e.kind === "tls" ? e.protocol : e.kind],
    ["Network", foreign(e.network)],
    ["Certificate", e.certificate ? certificateLink(e.certificate) : "none"],
    ...(e.file ? fileFacts(e.file) : []),
    e.kind !== "tls" ? null : ["TLS", e.tls ? [foreign(e.tls.version || ""), " · ", foreign(e.tls.cipher_suite || ""), e.tls.group ? [" · ", foreign(e.tls.group)] : null] : "—"],
    ["Agent", agentLink(e.agent)],
    ["First seen", moment(e.first_seen)],
    ["Last scan", moment(e.last_scan)],
  ].filter(Boolean);
  return [
    h("div", { class: "head" }, h("span", { class: "crumb" }, h("a", { href: "/endpoints" }, "Endpoints"), " /"), h("h1", {}, foreign(place(e))),
      e.certificate ? stateMark(e.certificate) : outcomeMark(e.outcome)),
    h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Endpoint")),
      h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    faces(e),
    history(e),
  ];
}
