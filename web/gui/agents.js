// Agents: who scans, and whether they still do.
import { get, send } from "/gui/api.js";
import { copyButton, dialog, field, foreign, h, replace } from "/gui/dom.js";
import { agentMark, count, date, moment, plural } from "/gui/format.js";
import { list, nothing } from "/gui/list.js";
import { chips } from "/gui/query.js";

const COLUMNS = [
  { title: "State", cell: agentMark },
  { title: "Name", kind: "name", key: "name", cell: (row) => [h("a", { href: "/agents/" + row.id }, foreign(row.name)),
    row.network !== "default" ? h("span", { class: "sub" }, "network ", foreign(row.network)) : null] },
  { title: "System", wide: true, cell: (row) => [row.system ? foreign(row.system) : "—", row.version ? h("span", { class: "sub" }, "ers ", foreign(row.version)) : null] },
  { title: "Endpoints", numeric: true, kind: "mid", cell: (row) => count(row.endpoints || 0) },
  { title: "Certificates", numeric: true, kind: "mid", cell: (row) => count(row.certificates || 0) },
  { title: "Last scan", numeric: true, cell: (row) => moment(row.last_scan && row.last_scan.time) },
  { title: "Enrolled", key: "enrolled", numeric: true, wide: true, cell: (row) => date(row.enrolled) },
];

// A form in a dialog: what went wrong is said in it, and what was typed stays.
export function formDialog(title, label, fields, submit) {
  dialog(title, (close) => {
    const error = h("div", { role: "alert" });
    const button = h("button", { class: "first" }, label);
    const body = h("div", { class: "body" });
    const onSubmit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      replace(error);
      try {
        await submit(new FormData(form), { close, show: (...nodes) => replace(body, nodes) });
      } catch (problem) {
        const ended = problem.status === 401;
        replace(error, h("p", { class: "notice bad" }, ended ? "Your session has ended. Log in in another tab, then try again." : problem.message));
      }
      button.disabled = false;
    };
    const form = h("form", { submit: onSubmit }, fields, error, h("div", { class: "acts" }, h("button", { type: "button", click: close }, "Cancel"), button));
    replace(body, form);
    return body;
  });
}

const command = (title, text) => h("section", { class: "command" },
  h("header", {}, h("h3", {}, title), copyButton("Copy", text, { "aria-label": "Copy the command for " + title })),
  h("pre", { tabindex: "0" }, text));

function commands(made, close, view) {
  return [
    h("p", {}, "Run one of these on the new host, as root or administrator, within the time given. The token goes in by a pipe, so that no other user of the host sees it."),
    command("Linux", made.commands.linux),
    command("PowerShell", made.commands.powershell),
    h("p", { class: "quiet" }, "Good for ", plural(made.uses ?? 1, "agent"), " until ", moment(made.expires), ". It is shown only now."),
    h("div", { class: "acts" }, h("button", { type: "button", class: "first", autofocus: true, click: () => { close(); view.reload(); } }, "Done")),
  ];
}

export function addAgent(view, forAgent) {
  const fields = forAgent
    ? [h("p", {}, "A new key for ", foreign(forAgent), ": its history stays, its old key ends.")]
    : [field("How many agents", { name: "uses", type: "number", min: 1, max: 100000, value: 1, required: true }),
       field("Network", { name: "network", placeholder: "default", maxlength: 63, pattern: "[A-Za-z0-9._\\-]*" }, "Agents that see the same network share its name."),
       field("Names", { name: "names", value: "*", maxlength: 253 }, "Which names may enrol: * stands for anything.")];
  fields.push(field("Valid for", { name: "hours", choices: [["1", "1 hour"], ["24", "1 day"], ["168", "7 days"], ["720", "30 days"]] }));
  formDialog(forAgent ? "Enrol again" : "Add agent", "Make the command", fields, async (data, { close, show }) => {
    const want = { uses: Number(data.get("uses") || 1), valid_hours: Number(data.get("hours")) };
    if (data.get("network")) want.network = data.get("network");
    if (data.get("names")) want.names = data.get("names");
    if (forAgent) want.for = forAgent;
    show(commands(await send("POST", "/tokens", want), close, view));
  });
}

export async function show(view) {
  const admin = view.me.role === "admin", q = view.query.get("q");
  const total = h("span", { class: "quiet", role: "status" });
  const add = () => h("button", { type: "button", class: "first", click: () => addAgent(view) }, "Add agent");
  const { element, ready } = list(view, {
    path: "/agents",
    caption: "Agents",
    columns: COLUMNS,
    sort: "name",
    dim: (row) => row.state === "disabled",
    name: (row) => row.name,
    empty: () => (q ? nothing("Nothing fits", "No agent fits “", foreign(q), "”.")
      : nothing("No agents yet", "An agent is the program ers on a host: it looks for certificates and reports them here.", admin ? h("p", {}, add()) : null)),
    total: (n) => (total.textContent = plural(n, "agent")),
  });
  await ready;
  return [
    h("div", { class: "head" }, h("h1", {}, "Agents"), total, admin ? h("div", { class: "acts" }, add()) : null),
    chips(view, []),
    element,
  ];
}

// ---- one agent --------------------------------------------------------------

function rename(view, agent) {
  formDialog("Rename " + agent.name, "Rename", [field("Name", { name: "name", value: agent.name, required: true, maxlength: 253 })],
    async (data, { close }) => {
      await send("POST", "/agents/" + agent.id + "/rename", { name: data.get("name") });
      close();
      view.reload();
    });
}

function disable(view, agent) {
  formDialog("Disable " + agent.name + "?", "Disable", [h("p", {}, "What it sends is refused from now on. Its history stays, and it can be enabled again.")],
    async (data, { close }) => {
      await send("POST", "/agents/" + agent.id + "/disable", {});
      close();
      view.reload();
    });
}

async function enable(view, agent) {
  await send("POST", "/agents/" + agent.id + "/enable", {});
  view.reload();
}

function setTargets(view, agent) {
  formDialog("Targets of " + agent.name, "Save", [
    field("Targets", { name: "text", rows: 10, value: agent.targets ? agent.targets.text : "", class: "mono", spellcheck: "false" },
      "One a line, as in the file targets: mail.example.com 443,465 or 10.0.0.0/24. The agent fetches them besides its own, if its settings allow that."),
  ], async (data, { close }) => {
    await send("POST", "/agents/" + agent.id + "/targets", { text: data.get("text").replaceAll("\r\n", "\n") });
    close();
    view.reload();
  });
}

function scanNow(view, agent) {
  formDialog("Scan now", "Ask for a scan", [
    h("p", {}, "The agent asks for work every few minutes and scans then, within its own targets."),
    field("Targets", { name: "targets", placeholder: "all of its targets", spellcheck: "false" }, "host or host:port, with commas between them; empty: all."),
  ], async (data, { close }) => {
    const targets = data.get("targets").split(/[\s,]+/).filter(Boolean);
    await send("POST", "/agents/" + agent.id + "/rescan", { targets });
    close();
    view.reload();
  });
}

function rescanWords(agent) {
  const rescan = agent.rescan;
  if (!rescan) return null;
  return [rescan.done ? "done, asked " : "waits for the agent, asked ", moment(rescan.asked),
    rescan.targets.length ? [": ", rescan.targets.map((target, i) => [i ? ", " : "", foreign(target)])] : null];
}

function targets(view, agent) {
  const set = agent.targets && agent.targets.text;
  return h("section", { class: "sheet" },
    h("header", {}, h("h2", {}, "Targets from here"),
      view.me.role === "admin" ? h("div", { class: "acts" }, h("button", { type: "button", click: () => setTargets(view, agent) }, "Edit targets"))
        : h("span", { class: "quiet" }, "besides those of its own file")),
    set ? h("pre", { tabindex: "0", "aria-label": "Targets" }, set)
      : h("p", { class: "pad quiet" }, "None: it looks at what its own file says."));
}

function acts(view, agent) {
  if (view.me.role !== "admin") return null;
  const button = (label, act) => h("button", { type: "button", click: act }, label);
  return h("div", { class: "acts" }, agent.state === "disabled" ? null : button("Scan now", () => scanNow(view, agent)), button("Rename", () => rename(view, agent)), button("Enrol again", () => addAgent(view, agent.name)),
    agent.state === "disabled" ? button("Enable", () => enable(view, agent)) : button("Disable", () => disable(view, agent)));
}

export async function showOne(view) {
  const agent = await get("/agents/" + encodeURIComponent(view.params.id), null, view.signal);
  view.title(agent.name);
  const rows = [
    ["Network", foreign(agent.network)],
    ["System", agent.system ? foreign(agent.system) : "—"],
    ["Version", agent.version ? foreign(agent.version) : "—"],
    ["Enrolled", moment(agent.enrolled)],
    ["Last heard", moment(agent.last_seen)],
    ["Last scan", agent.last_scan ? moment(agent.last_scan.time) : "none yet"],
    ["Scan now", rescanWords(agent)],
    ["Endpoints", h("a", { href: "/endpoints?agent=" + agent.id }, count(agent.endpoints || 0))],
    ["Certificates", h("a", { href: "/certificates?agent=" + agent.id }, count(agent.certificates || 0))],
    ["Identifier", h("span", { class: "mono" }, agent.id)],
  ];
  return [
    h("div", { class: "head" },
      h("span", { class: "crumb" }, h("a", { href: "/agents" }, "Agents"), " /"), h("h1", {}, foreign(agent.name)),
      agentMark(agent), acts(view, agent)),
    h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Agent")),
      h("dl", {}, rows.filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    targets(view, agent),
  ];
}
