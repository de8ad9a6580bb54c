// How things are said: dates, days, keys, states. Local time for people, UTC in the title.
import { foreign, h, unseen } from "/gui/dom.js";

const two = (n) => String(n).padStart(2, "0");
const numbers = new Intl.NumberFormat("en");

export const count = (n) => numbers.format(n);
export const plural = (n, one, many) => count(n) + " " + (n === 1 ? one : many || one + "s");

const day = (d) => d.getFullYear() + "-" + two(d.getMonth() + 1) + "-" + two(d.getDate());
const clock = (d) => two(d.getHours()) + ":" + two(d.getMinutes());

const timeElement = (iso, text) => h("time", { datetime: iso, title: iso.replace("T", " ").replace("Z", " UTC") }, text);

export const date = (iso) => (iso ? timeElement(iso, day(new Date(iso))) : h("span", { class: "quiet" }, "—"));

export function moment(iso) {
  if (!iso) return h("span", { class: "quiet" }, "—");
  const d = new Date(iso);
  const today = day(d) === day(new Date());
  return timeElement(iso, (today ? "today" : day(d)) + " " + clock(d));
}

// 400 d as "400 d", 9 years as "9 y".
export function span(days) {
  const n = Math.abs(days);
  return n >= 730 ? Math.floor(n / 365.25) + " y" : count(n) + " d";
}

const STATES = {
  expired: ["bad", "✕", (d) => (d === 0 ? "expired today" : "expired " + span(d) + " ago")],
  expiring: ["soon", "▲", (d) => (d === 0 ? "ends today" : span(d) + " left")],
  ok: ["ok", "●", (d) => span(d) + " left"],
  future: ["plain", "◌", () => "not yet valid"],
  unknown: ["plain", "?", () => "no end date"],
};

export const mark = (kind, glyph, text) =>
  h("span", { class: "mark " + kind }, glyph ? h("span", { "aria-hidden": "true" }, glyph) : null, text);

// The mark of a certificate: { state, days_left }.
export function stateMark(certificate) {
  const [kind, glyph, words] = STATES[certificate.state] || STATES.unknown;
  return mark(kind, glyph, words(certificate.days_left ?? 0));
}

const OUTCOMES = {
  ok: ["ok", "●", "ok"],
  refused: ["plain", "○", "refused"],
  timeout: ["plain", "○", "timed out"],
  unreachable: ["plain", "○", "unreachable"],
  reset: ["soon", "▲", "reset"],
  closed: ["soon", "▲", "closed"],
  dns_error: ["soon", "▲", "name not found"],
  not_tls: ["plain", "○", "no TLS"],
  not_offered: ["plain", "○", "TLS not offered"],
  tls_alert: ["soon", "▲", "TLS alert"],
  tls_error: ["soon", "▲", "TLS error"],
  unsupported: ["soon", "▲", "unsupported"],
  no_certificate: ["soon", "▲", "no certificate"],
  bad_certificate: ["bad", "✕", "bad certificate"],
  limit: ["plain", "○", "limit"],
  excluded: ["plain", "○", "excluded"],
  not_reached: ["plain", "○", "not reached"],
  local: ["soon", "▲", "fault of the agent's host"],
};

export const outcomeMark = (outcome) => mark(...(OUTCOMES[outcome] || ["plain", "?", outcome || "unknown"]));

export const outcomeWords = (outcome) => (OUTCOMES[outcome] || [0, 0, outcome])[2];

export function agentMark(agent) {
  if (agent.state === "disabled") return mark("plain", "○", "disabled");
  return agent.quiet ? mark("soon", "▲", "quiet") : mark("ok", "●", "active");
}

const REQUESTS = {
  pending: ["soon", "◔", "waiting"],
  approved: ["plain", "◌", "approved"],
  issued: ["ok", "●", "issued"],
  refused: ["bad", "✕", "refused"],
  revoked: ["bad", "✕", "revoked"],
};

export const requestMark = (request) => mark(...(REQUESTS[request.state] || ["plain", "?", request.state]));

// { algorithm: "RSA", bits: 2048 }, { algorithm: "EC", curve: "P-256" }
export function key(k) {
  if (!k || !k.algorithm) return "—";
  return k.algorithm + (k.curve ? " " + k.curve : k.algorithm.startsWith("RSA") && k.bits ? " " + k.bits : "");
}

// "3a917c02" as "3a91 7c02": easier to compare by eye.
export const grouped = (hex) => String(hex || "").replace(/(.{4})(?=.)/g, "$1 ");

// Of an RFC 4514 name: the common name, or else the first value.
export function shortName(name) {
  const parts = [""];
  for (const [, hex, literal, separator, other] of String(name).matchAll(/\\([0-9a-f]{2})|\\(.)|([,+])|([^])/giu)) {
    if (separator) parts.push("");
    else parts[parts.length - 1] += hex ? String.fromCharCode(parseInt(hex, 16)) : literal || other;
  }
  const chosen = parts.find((p) => /^CN=/i.test(p)) || parts[0];
  return chosen.replace(/^[^=]*=/, "") || String(name);
}

// "host:port", or the path of a file.
export function place(endpoint) {
  if (endpoint.path) return (endpoint.host ? endpoint.host + ":" : "") + endpoint.path;
  const host = endpoint.host || "?";
  return (host.includes(":") ? "[" + host + "]" : host) + ":" + endpoint.port;
}

export const certificateLink = (c) => h("a", { href: "/certificates/" + c.sha256 }, nameOf(c));
export const nameOf = (c) => (c.display_name ? foreign(c.display_name) : h("span", { class: "quiet" }, "(no name)"));
export const agentLink = (agent) => (agent && agent.id ? h("a", { href: "/agents/" + agent.id }, foreign(agent.name)) : unseen("none"));

// A long one breaks before its port.
export function endpointLink(e) {
  const [, host, port] = place(e).match(/^([^]*?)(:\d+)?$/);
  return h("a", { href: "/endpoints/" + e.id }, foreign(host), port ? [h("wbr"), h("span", { class: "port" }, port)] : null);
}
