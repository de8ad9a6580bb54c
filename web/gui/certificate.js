// One certificate: its life, where it is served, its chain, all of its fields.
import { get, send, text } from "/gui/api.js";
import { formDialog } from "/gui/agents.js";
import { copyButton, field, foreign, h, mono, svg } from "/gui/dom.js";
import { agentLink, certificateLink, count, date, endpointLink, grouped, key, mark, moment, nameOf, plural, stateMark } from "/gui/format.js";

const DAY_MS = 86400000;

// How much of the life is over. Drawn as SVG: the page has no inline styles.
function lifeBar(certificate) {
  const begin = Date.parse(certificate.not_before), end = Date.parse(certificate.not_after);
  const share = Math.min(Math.max((Date.now() - begin) / (end - begin || 1), 0), 1);
  const kind = { expired: "b-bad", expiring: "b-soon" }[certificate.state] || "b-accent";
  return svg("svg", { class: "life", viewBox: "0 0 100 1", preserveAspectRatio: "none", role: "img",
    "aria-label": Math.round(share * 100) + " % of its life is over" },
    svg("rect", { class: "b-rest", width: 100, height: 1 }), svg("rect", { class: kind, width: (share * 100).toFixed(2), height: 1 }));
}

function life(certificate) {
  if (!certificate.not_before || !certificate.not_after) return null;
  const days = Math.round((Date.parse(certificate.not_after) - Date.parse(certificate.not_before)) / DAY_MS);
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Life"), h("span", { class: "quiet" }, plural(days, "day"))),
    h("div", { class: "pad" }, lifeBar(certificate),
      h("div", { class: "ends quiet" }, moment(certificate.not_before), moment(certificate.not_after))));
}

const face = (s) => [
  s.sni ? [foreign(s.sni)] : s.endpoint.kind === "tls" ? "no SNI" : s.endpoint.kind,
  s.asked && s.asked !== "any" ? " · " + s.asked.toUpperCase() : null,
];

function sightingRow(s) {
  return h("tr", { class: s.served ? null : "gone" },
    h("td", { class: "place" }, endpointLink(s.endpoint), s.address ? h("span", { class: "sub" }, mono(s.address)) : null),
    h("td", { class: "wide issuer" }, face(s), s.position > 0 ? h("span", { class: "sub" }, "in the chain, place " + (s.position + 1)) : null),
    h("td", { class: "mid" }, agentLink(s.agent)),
    h("td", { class: "num wide" }, date(s.first_seen)),
    h("td", { class: "num" }, moment(s.last_seen)));
}

const heading = (titles) => h("thead", {}, h("tr", {}, titles.map(([title, kind]) => h("th", { scope: "col", class: kind || null }, title))));

function sightings(certificate) {
  const rows = certificate.sightings;
  const now = rows.filter((s) => s.served).length;
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Where it is served"), h("span", { class: "quiet" }, count(now) + " now, " + count(rows.length - now) + " earlier")),
    rows.length
      ? h("table", {}, h("caption", {}, "Places where this certificate was seen"),
          heading([["Endpoint"], ["Face", "wide"], ["Agent", "mid"], ["First", "num wide"], ["Last", "num"]]), h("tbody", {}, rows.map(sightingRow)))
      : h("p", { class: "pad quiet" }, certificate.request ? "Nowhere yet: it was issued, and no scan has seen it."
          : "Nowhere yet: it came with the chain of another, or from a file."));
}

function chain(certificate) {
  if (!certificate.chain.length) return null;
  const role = (i, n) => (i === 0 ? "leaf" : i === n - 1 && n > 1 ? "last sent" : "intermediate");
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Chain"), h("span", { class: "quiet" }, "as the server sent it")),
    h("table", {}, h("caption", {}, "The chain as it was sent"), h("tbody", {}, certificate.chain.map((link, i) =>
      h("tr", {},
        h("td", {}, link.sha256 === certificate.sha256 ? nameOf(link) : certificateLink(link), h("span", { class: "sub" }, role(i, certificate.chain.length))),
        h("td", { class: "num" }, date(link.not_after)))))));
}

const words = (items) => (items && items.length ? items.map((item, i) => [i ? ", " : "", foreign(item)]) : null);

// ---- what people say and do -------------------------------------------------

function editService(view, service) {
  formDialog("Owner, tags and notes", "Save", [
    field("Owner", { name: "owner", value: service.owner, maxlength: 255 }, "A team rather than a person."),
    field("Tags", { name: "tags", value: service.tags.join(", "), maxlength: 2000, spellcheck: "false" }, "Words with commas between them."),
    field("Notes", { name: "notes", rows: 4, value: service.notes, maxlength: 4096 }),
    h("p", { class: "quiet" }, "They belong to the service: certificates that replace this one keep them."),
  ], async (data, { close }) => {
    const tags = data.get("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
    await send("POST", "/services/" + service.id, { owner: data.get("owner"), tags, notes: data.get("notes").replaceAll("\r\n", "\n") });
    close();
    view.reload();
  });
}

function service(view, c) {
  const s = c.service, none = h("span", { class: "quiet" }, "—");
  const rows = [
    ["Owner", s.owner ? foreign(s.owner) : none.cloneNode(true)],
    ["Tags", s.tags.length ? h("span", { class: "chips" }, s.tags.map((tag) => h("span", { class: "chip" }, foreign(tag)))) : none.cloneNode(true)],
    ["Notes", s.notes ? h("bdi", { class: "lines" }, s.notes) : none.cloneNode(true)],
    ["Request", c.request ? [h("a", { href: "/requests/" + c.request.id }, mono(c.request.id.slice(0, 16))), ", " + c.request.state] : null],
  ];
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Service"), view.me.role === "admin"
      ? h("div", { class: "acts" }, h("button", { type: "button", click: () => editService(view, s) }, "Edit")) : null),
    h("dl", {}, rows.filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

const REASONS = [["superseded", "Superseded: another takes its place"], ["keyCompromise", "Key compromise: its key is known to others"],
  ["cessationOfOperation", "Cessation of operation: it is needed no more"], ["affiliationChanged", "Affiliation changed"],
  ["privilegeWithdrawn", "Privilege withdrawn"], ["unspecified", "Unspecified"]];

function revoke(view, c) {
  formDialog("Revoke " + (c.display_name || "this certificate") + "?", "Revoke", [
    h("p", {}, "It stands in the revocation list from then on. This cannot be taken back, and whoever still serves it is not told."),
    field("Reason", { name: "reason", choices: REASONS }),
  ], async (data, { close }) => {
    await send("POST", "/certificates/" + c.sha256 + "/revoke", { reason: data.get("reason") });
    close();
    view.reload();
  });
}

function fields(c) {
  const san = c.subject_alt_names || {};
  const rows = [
    ["Subject", c.subject ? foreign(c.subject) : h("span", { class: "quiet" }, "(empty)")],
    ["DNS names", words(san.dns)],
    ["IP addresses", words(san.ip)],
    ["Mail addresses", words(san.email)],
    ["URIs", words(san.uri)],
    ["Issuer", c.issuer ? foreign(c.issuer) : null],
    ["Serial number", c.serial_number ? mono(grouped(c.serial_number)) : null],
    ["Begins", c.not_before ? moment(c.not_before) : null],
    ["Ends", c.not_after ? moment(c.not_after) : null],
    ["Key", key(c.key)],
    ["Signature", c.signature_algorithm ? foreign(c.signature_algorithm) : null],
    ["Authority", c.is_ca ? "yes: it may issue certificates" : "no"],
    ["Self-signed", c.self_signed === null ? h("span", { class: "quiet" }, "not checked") : c.self_signed ? "yes" : "no"],
    ["Key usage", words(c.key_usage)],
    ["Extended key usage", words(c.extended_key_usage)],
    ["Subject key id", c.subject_key_id ? mono(grouped(c.subject_key_id)) : null],
    ["Authority key id", c.authority_key_id ? mono(grouped(c.authority_key_id)) : null],
    ["SHA-256", mono(grouped(c.sha256))],
    ["SHA-256 of the key", c.spki_sha256 ? mono(grouped(c.spki_sha256)) : null],
    ["Deviations", words(c.deviations)],
    ["First seen", moment(c.first_seen)],
    ["Last seen", moment(c.last_seen)],
  ];
  return h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Certificate")),
    h("dl", {}, rows.filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

export async function show(view) {
  const c = await get("/certificates/" + encodeURIComponent(view.params.id), null, view.signal);
  view.title(c.display_name || "Certificate");
  return [
    h("div", { class: "head" },
      h("span", { class: "crumb" }, h("a", { href: "/certificates" }, "Certificates"), " /"), h("h1", {}, nameOf(c)),
      c.bad ? mark("bad", "✕", "unreadable") : c.revoked ? mark("bad", "✕", "revoked") : stateMark(c),
      c.issued_not_served ? mark("plain", "◌", "issued, not yet served") : null,
      c.self_signed ? mark("plain", "", "self-signed") : null,
      c.is_ca ? mark("plain", "", "CA") : null,
      h("div", { class: "acts" },
        view.me.role === "admin" && c.request && !c.revoked ? h("button", { type: "button", click: () => revoke(view, c) }, "Revoke") : null,
        copyButton("Copy PEM", () => text("/certificates/" + c.sha256 + "/pem")),
        h("a", { class: "button", href: "/api/v1/certificates/" + c.sha256 + "/pem", download: c.sha256.slice(0, 16) + ".pem" }, "Download"))),
    c.revoked ? h("p", { class: "notice bad" }, "Revoked ", moment(c.revoked.time), " by ", foreign(c.revoked.by.replace(/^user:/, "")), ": ", c.revoked.reason, ".") : null,
    c.defect ? h("p", { class: "notice bad" }, "Its bytes do not parse: ", foreign(c.defect)) : null,
    life(c),
    sightings(c),
    h("div", { class: "grid" }, service(view, c), chain(c)),
    fields(c),
    h("details", { class: "sheet" }, h("summary", {}, "PEM"), h("pre", { tabindex: "0" }, c.pem || "")),
  ];
}
