// "Does anything need me?" First that, then numbers, then the rest.
import { get } from "/gui/api.js";
import { foreign, h, svg } from "/gui/dom.js";
import { agentMark, certificateLink, count, date, mark, moment, plural, shortName, stateMark } from "/gui/format.js";

const SHOWN = 8;
const REFRESH_MS = 60000;

function needs(certificates, agents, summary) {
  const ends = certificates.items.filter((c) => c.state === "expired" || c.state === "expiring").map((c) => ({
    mark: stateMark(c),
    what: certificateLink(c),
    why: ["served at " + plural(c.places, "place"), c.self_signed ? ", self-signed" : [", issued by ", foreign(shortName(c.issuer))]],
  }));
  const quiet = agents.items.filter((a) => a.quiet && a.state === "active").map((a) => ({
    mark: agentMark(a),
    what: h("a", { href: "/agents/" + a.id }, foreign(a.name)),
    why: [a.last_seen ? ["last heard ", moment(a.last_seen)] : "never heard", "; " + plural(a.endpoints || 0, "endpoint") + " unwatched"],
  }));
  const waiting = summary.requests_pending ? [{
    mark: mark("soon", "◔", "waiting"),
    what: h("a", { href: "/requests" }, plural(summary.requests_pending, "request")),
    why: "for certificates, to be approved or refused",
  }] : [];
  const backup = summary.backup && summary.backup.old ? [{
    mark: mark("bad", "▲", summary.backup.time ? "old" : "missing"),
    what: h("a", { href: "/admin" }, "Backup of this server"),
    why: summary.backup.time ? ["the last one was made ", moment(summary.backup.time)] : "none was made yet",
  }] : [];
  return [...backup, ...waiting, ...ends, ...quiet];
}

function needsSheet(rows, now) {
  if (rows.length === 0)
    return h("section", { class: "sheet" }, h("p", { class: "pad clear" }, h("span", { class: "mark ok" }, h("span", { "aria-hidden": "true" }, "●"), "all clear"),
      " No certificate that is served ends within 30 days, no agent is quiet, no request waits, no backup is overdue. Checked at ", moment(now), "."));
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Needs you"), rows.length > SHOWN
      ? h("span", { class: "quiet" }, SHOWN + " of " + count(rows.length) + ", ", h("a", { href: asked("expires<30d") }, "show all")) : null),
    h("table", {}, h("caption", {}, "What needs you"), h("tbody", {}, rows.slice(0, SHOWN).map((row) =>
      h("tr", {}, h("td", { class: "tight" }, row.mark), h("td", {}, row.what, h("span", { class: "sub" }, row.why)))))));
}

// ---- when they end ----------------------------------------------------------

const SOON_MS = 30 * 86400000;
const asked = (q) => "/certificates?q=" + encodeURIComponent("is:served " + q);

const weekWords = (week) => (!week.from ? "ended before now" : !week.to ? "end later" : "end in the week to " + week.to.slice(0, 10));

// Bars are for the eye and the mouse; the table below has the same for everybody.
function bar(week, most, now) {
  const kind = !week.from ? "b-bad" : Date.parse(week.from) - now < SOON_MS ? "b-soon" : "b-accent";
  const height = week.certificates ? Math.max(3, (100 * week.certificates) / most) : 0;
  return h("a", { href: asked(week.query), tabindex: -1, title: count(week.certificates) + " " + weekWords(week) },
    svg("svg", { viewBox: "0 0 10 100", preserveAspectRatio: "none" },
      svg("rect", { class: "b-rest", x: 1, y: 99, width: 8, height: 1 }),
      svg("rect", { class: kind, x: 1, y: 100 - height, width: 8, height })));
}

function timeline(weeks, now) {
  const later = weeks.items.at(-1), shown = weeks.items.slice(0, -1);
  const most = Math.max(1, ...shown.map((w) => w.certificates));
  const filled = weeks.items.filter((w) => w.certificates);
  if (!filled.length) return null;
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Ends by week"), h("span", { class: "quiet" }, count(weeks.total) + " served, ",
      h("a", { href: asked(later.query) }, count(later.certificates) + " end later"))),
    h("div", { class: "pad" }, h("div", { class: "bars", "aria-hidden": "true" }, shown.map((w) => bar(w, most, now))),
      h("div", { class: "ends quiet" }, h("span", {}, "ended"), h("span", {}, date(shown[26].to)), h("span", {}, date(shown.at(-1).to)))),
    h("details", {}, h("summary", {}, "As a table"),
      h("table", {}, h("caption", {}, "Certificates by the week of their end"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Week"), h("th", { scope: "col", class: "num" }, "Certificates"))),
        h("tbody", {}, filled.map((w) => h("tr", {}, h("td", {}, h("a", { href: asked(w.query) }, weekWords(w))), h("td", { class: "num" }, count(w.certificates))))))));
}

function issuers(groups, served) {
  const rest = groups.kinds - groups.items.length, own = served - groups.total;
  return served === 0 ? null : h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Issuers"), rest > 0 ? h("span", { class: "quiet" }, count(rest) + " more") : null),
    h("table", {}, h("caption", {}, "Issuers of what is served"), h("tbody", {}, groups.items.map((g) => h("tr", {},
      h("td", {}, g.query ? h("a", { href: asked(g.query + " not is:self-signed") }, foreign(shortName(g.value) || "(none)")) : foreign(shortName(g.value))), h("td", { class: "num" }, count(g.certificates)))),
      own > 0 ? h("tr", {}, h("td", {}, h("a", { href: asked("is:self-signed") }, "self-signed")), h("td", { class: "num" }, count(own))) : null)));
}

const tile = (title, number, more, href) => h("div", { class: "sheet tile" }, h("span", { class: "quiet" }, title),
  h("b", {}, href ? h("a", { href }, count(number)) : count(number)), h("span", { class: "quiet" }, more));

function scans(agents) {
  const rows = agents.items.filter((a) => a.last_scan).sort((a, b) => b.last_scan.time.localeCompare(a.last_scan.time)).slice(0, SHOWN);
  return h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Last scans")),
    rows.length
      ? h("table", {}, h("caption", {}, "Last scans"),
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Agent"), h("th", { scope: "col", class: "num" }, "Endpoints"),
            h("th", { scope: "col", class: "num" }, "Certificates"), h("th", { scope: "col", class: "num" }, "Ended"))),
          h("tbody", {}, rows.map((a) => h("tr", {}, h("td", {}, h("a", { href: "/agents/" + a.id }, foreign(a.name))),
            h("td", { class: "num" }, count(a.last_scan.endpoints)), h("td", { class: "num" }, count(a.last_scan.certificates)),
            h("td", { class: "num" }, moment(a.last_scan.time))))))
      : h("p", { class: "pad quiet" }, "No agent has scanned yet. ", h("a", { href: "/agents" }, "Add an agent")));
}

function title(n, summary) {
  if (summary.agents === 0 && summary.certificates === 0) return "Nothing watched yet";
  return n === 0 ? "All clear" : n === 1 ? "One thing needs you" : count(n) + " things need you";
}

export async function show(view) {
  const [summary, certificates, agents, weeks, groups] = await Promise.all([
    get("/summary", null, view.signal),
    get("/certificates", { served: "true", sort: "not_after", limit: 100 }, view.signal),
    get("/agents", { limit: 1000 }, view.signal),
    get("/certificates/groups", { by: "week", q: "is:served" }, view.signal),
    get("/certificates/groups", { by: "issuer", q: "is:served not is:self-signed", limit: SHOWN }, view.signal),
  ]);
  view.summary(summary);
  const rows = needs(certificates, agents, summary);
  // A page that is looked at stays true.
  const again = setTimeout(() => document.visibilityState === "visible" && view.reload(), REFRESH_MS);
  view.signal.addEventListener("abort", () => clearTimeout(again));
  return [
    h("div", { class: "head" }, h("h1", {}, title(rows.length, summary)),
      h("span", { class: "quiet" }, "checked ", moment(summary.now), " · " + plural(summary.endpoints, "endpoint") + ", " + plural(summary.agents, "agent"))),
    summary.agents === 0 && summary.certificates === 0 ? null : needsSheet(rows, summary.now),
    h("div", { class: "tiles" },
      tile("Certificates", summary.certificates, count(summary.served) + " served now", "/certificates?view=all"),
      tile("End in 30 days", summary.expiring_30d, count(summary.expired) + " expired", "/certificates?q=" + encodeURIComponent("expires<30d not is:expired")),
      tile("Endpoints", summary.endpoints, summary.endpoints_ok === undefined ? "" : count(summary.endpoints_ok) + " with a certificate", "/endpoints"),
      tile("Agents", summary.agents, summary.quiet_agents ? count(summary.quiet_agents) + " quiet" : "none quiet", "/agents")),
    timeline(weeks, Date.parse(summary.now)),
    h("div", { class: "grid" }, scans(agents), issuers(groups, weeks.total)),
  ];
}
