// Requests for certificates: the queue, what differs from the profile, the decision.
import { get, send } from "/gui/api.js";
import { field, foreign, h, mono } from "/gui/dom.js";
import { agentLink, certificateLink, count, key, mark, moment, plural, requestMark } from "/gui/format.js";
import { formDialog } from "/gui/agents.js";
import { tab } from "/gui/certificates.js";
import { list, nothing } from "/gui/list.js";
import { chips } from "/gui/query.js";

const all = (row) => [...row.names.dns, ...row.names.ip];
const nameOf = (row) => all(row)[0] || row.subject || "(no name)";

function names(row) {
  const more = all(row).slice(1, 4), left = all(row).length - 1 - more.length;
  return more.length ? h("span", { class: "sub" }, more.map((name, i) => [i ? ", " : "", foreign(name)]), left > 0 ? " + " + count(left) : null) : null;
}

const differs = (row) => (row.state !== "pending" ? h("span", { class: "quiet" }, "—")
  : row.differences.length ? plural(row.differences.length, "difference") : "nothing");

const COLUMNS = [
  { title: "State", cell: requestMark },
  { title: "Names", kind: "name", cell: (row) => [h("a", { href: "/requests/" + row.id }, foreign(nameOf(row))), names(row)] },
  { title: "Profile", kind: "mid", cell: (row) => foreign(row.profile) },
  { title: "Differs", kind: "tight wide", cell: differs },
  { title: "Agent", kind: "issuer mid", cell: (row) => agentLink(row.agent) },
  { title: "Key", wide: true, kind: "tight", cell: (row) => key(row.key) },
  { title: "Asked", numeric: true, cell: (row) => moment(row.created) },
];

export async function show(view) {
  const every = view.query.get("view") === "all", q = view.query.get("q");
  const total = h("span", { class: "quiet", role: "status" });
  const { element, ready } = list(view, {
    path: "/requests",
    fixed: { state: every ? null : "pending" },
    caption: "Requests",
    columns: COLUMNS,
    sort: "created",
    order: every ? "desc" : "asc",
    dim: (row) => row.state === "refused" || row.state === "revoked",
    name: nameOf,
    empty: () => (q ? nothing("Nothing fits", "No request fits “", foreign(q), "”", every ? "." : " among those that wait.")
      : every ? nothing("No requests yet", "An agent asks for a certificate with: ers request --dns NAME")
        : nothing("Nothing waits", "No request waits for a decision.")),
    total: (n) => (total.textContent = count(n) + (every ? " in all" : " waiting")),
  });
  await ready;
  return [
    h("div", { class: "head" }, h("h1", {}, "Requests"), total),
    h("div", { class: "tabs" }, tab(view, "/requests", "Waiting", "", every ? "all" : ""), tab(view, "/requests", "All", "all", every ? "all" : "")),
    chips(view, []),
    element,
  ];
}

// ---- one request --------------------------------------------------------------

async function decided(view, close) {
  close();
  get("/summary").then(view.summary).catch(() => null);
  await view.reload();
}

function approve(view, request) {
  const n = request.differences.length;
  const verb = request.state === "pending" ? "Approve" : "Issue";
  formDialog(verb + " " + nameOf(request) + "?", verb, [
    h("p", {}, "A certificate is issued at once, as the profile ", foreign(request.profile), " says."),
    n ? h("p", {}, plural(n, "thing is", "things are"), " other than asked for: see what differs.") : null,
  ], async (data, { close }) => {
    await send("POST", "/requests/" + request.id + "/approve", {});
    await decided(view, close);
  });
}

function refuse(view, request) {
  formDialog("Refuse " + nameOf(request) + "?", "Refuse", [
    field("Reason", { name: "reason", rows: 3, required: true, maxlength: 1024 }, "Told to the agent and those who run it."),
  ], async (data, { close }) => {
    await send("POST", "/requests/" + request.id + "/refuse", { reason: data.get("reason") });
    await decided(view, close);
  });
}

function acts(view, request) {
  if (view.me.role !== "admin" || !["pending", "approved"].includes(request.state)) return null;
  return h("div", { class: "acts" },
    h("button", { type: "button", click: () => refuse(view, request) }, "Refuse"),
    h("button", { type: "button", class: "first", click: () => approve(view, request) }, request.state === "pending" ? "Approve" : "Issue"));
}

const EFFECTS = { refused: ["bad", "✕", "not allowed"], left_out: ["soon", "▲", "left out"], added: ["plain", "+", "added"] };

function differences(request) {
  const rows = request.differences;
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "What differs from the profile"), h("span", { class: "quiet" }, "between what is asked for and what is given")),
    rows.length
      ? h("table", {}, h("caption", {}, "What differs from the profile"),
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Effect"), h("th", { scope: "col" }, "Rule"), h("th", { scope: "col" }, "What differs"),
            h("th", { scope: "col", class: "mid" }, "Profile allows"))),
          h("tbody", {}, rows.map((d) => h("tr", {},
            h("td", {}, mark(...(EFFECTS[d.effect] || ["plain", "?", d.effect]))), h("td", { class: "tight" }, d.rule), h("td", {}, foreign(d.asked)),
            h("td", { class: "mid" }, d.allowed ? foreign(d.allowed) : "—")))))
      : h("p", { class: "pad quiet" }, request.state === "refused" ? "Nothing." : "Nothing: what is asked for is what the profile gives."));
}

function outcome(request) {
  const o = request.outcome;
  if (!o) return null;
  const reload = o.reload_exit === null ? null : o.reload_exit === 0 ? "went well" : "failed with exit " + o.reload_exit;
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "At the agent"), o.installed && !o.reload_exit ? mark("ok", "●", "installed") : mark("bad", "✕", o.installed ? "reload failed" : "not installed")),
    h("dl", {}, [["Told", moment(o.time)], ["Reload", reload]].filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    o.detail ? h("pre", { tabindex: "0", "aria-label": "What the agent said" }, o.detail) : null);
}

const words = (items) => (items.length ? items.map((item, i) => [i ? ", " : "", foreign(item)]) : null);
const who = (text) => foreign(text.replace(/^user:/, ""));

export async function showOne(view) {
  const r = await get("/requests/" + encodeURIComponent(view.params.id), null, view.signal);
  view.title(nameOf(r));
  const rows = [
    ["DNS names", words(r.names.dns)],
    ["IP addresses", words(r.names.ip)],
    ["Subject", r.subject ? foreign(r.subject) : h("span", { class: "quiet" }, "(empty)")],
    ["Key", key(r.key)],
    ["Profile", foreign(r.profile)],
    ["Agent", agentLink(r.agent)],
    ["Asked", moment(r.created)],
    ["Replaces", r.replaces ? h("a", { href: "/certificates/" + r.replaces }, mono(r.replaces.slice(0, 16))) : null],
    [r.state === "refused" ? "Refused" : "Approved", r.decided ? [moment(r.decided), r.decided_by === "profile" ? " by the profile" : [" by ", who(r.decided_by)]] : null],
    ["Reason", r.reason ? foreign(r.reason) : null],
    ["Certificate", r.certificate_sha256 ? [certificateLink({ sha256: r.certificate_sha256, display_name: nameOf(r) }),
      r.served ? ", served" : r.state === "issued" ? ", issued, not yet served" : null] : null],
    ["Identifier", mono(r.id)],
  ];
  return [
    h("div", { class: "head" },
      h("span", { class: "crumb" }, h("a", { href: "/requests" }, "Requests"), " /"), h("h1", {}, foreign(nameOf(r))),
      requestMark(r), acts(view, r)),
    h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Request")),
      h("dl", {}, rows.filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    r.state === "refused" ? null : differences(r),
    outcome(r),
  ];
}
