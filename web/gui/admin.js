// Users and enrolment tokens, for administrators.
import { get, send } from "/gui/api.js";
import { copyButton, field, foreign, h } from "/gui/dom.js";
import { count, mark, moment, plural } from "/gui/format.js";
import { formDialog } from "/gui/agents.js";
import { changePassword } from "/gui/password.js";

function linkShown(made, close, view) {
  return [
    h("p", {}, "Give this link to ", foreign(made.name), ". It sets the password, works once, and is shown only now."),
    h("section", { class: "command" }, h("header", {}, h("h3", {}, "One-time link"), copyButton("Copy", made.link)), h("pre", { tabindex: "0" }, made.link)),
    h("p", { class: "quiet" }, "Good until ", moment(made.expires), "."),
    h("div", { class: "acts" }, h("button", { type: "button", class: "first", autofocus: true, click: () => { close(); view.reload(); } }, "Done")),
  ];
}

function addUser(view) {
  formDialog("Add user", "Add", [
    field("Name", { name: "name", required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" }),
    field("Role", { name: "role", choices: [["viewer", "Viewer: sees everything"], ["admin", "Admin: also changes"]] }),
  ], async (data, { close, show }) => {
    show(linkShown(await send("POST", "/users", { name: data.get("name"), role: data.get("role") }), close, view));
  });
}

function newLink(view, user) {
  formDialog("New password for " + user.name, "Make the link", [h("p", {}, "A one-time link lets them choose a new password.")],
    async (data, { close, show }) => show(linkShown(await send("POST", "/users/" + encodeURIComponent(user.name) + "/link", {}), close, view)));
}

function setState(view, user, verb, words) {
  formDialog(verb + " " + user.name + "?", verb, [h("p", {}, words)], async (data, { close }) => {
    await send("POST", "/users/" + encodeURIComponent(user.name) + "/" + verb.toLowerCase(), {});
    close();
    view.reload();
  });
}

const button = (label, name, act) => h("button", { type: "button", "aria-label": label + " " + name, click: act }, label);

function userRow(view, user) {
  const active = user.state === "active", self = user.name === view.me.user;
  return h("tr", { class: active ? null : "gone" },
    h("td", {}, active ? mark("ok", "●", "active") : mark("plain", "○", "disabled")),
    h("td", {}, foreign(user.name), self ? h("span", { class: "sub" }, "you") : user.has_password ? null : h("span", { class: "sub" }, "no password yet")),
    h("td", { class: "mid" }, user.role),
    h("td", { class: "acts-cell" }, self ? button("Change password", user.name, () => changePassword(view.me)) : button("New link", user.name, () => newLink(view, user)),
      self ? null : active
        ? button("Disable", user.name, () => setState(view, user, "Disable", "Their sessions end at once."))
        : button("Enable", user.name, () => setState(view, user, "Enable", "They can log in again with the password they had."))));
}

async function revoke(view, token) {
  formDialog("Revoke this token?", "Revoke", [h("p", {}, "No agent can enrol with it any more. Agents that are enrolled stay.")], async (data, { close }) => {
    await send("DELETE", "/tokens/" + encodeURIComponent(token.id));
    close();
    view.reload();
  });
}

function tokenRow(view, token) {
  return h("tr", {},
    h("td", { class: "mono mid" }, token.id),
    h("td", {}, token.for ? ["only ", foreign(token.for)] : token.names === "*" ? "any name" : foreign(token.names)),
    h("td", { class: "wide" }, token.network ? foreign(token.network) : "as the agent says"),
    h("td", { class: "num mid" }, plural(token.uses, "use")),
    h("td", { class: "num" }, moment(token.expires)),
    h("td", { class: "acts-cell" }, button("Revoke", "token " + token.id, () => revoke(view, token))));
}

function backupWords(backup) {
  const made = backup.time ? [moment(backup.time), ", in ", foreign(backup.folder), backup.secrets ? ", with the secrets" : ", without the secrets"] : "none yet";
  if (backup.old) return [mark("bad", "▲", backup.time ? "old" : "missing"), " ", made];
  return backup.time || backup.configured ? made : [made, h("span", { class: "sub" }, "clm-server backup DIR makes one; backup = DIR in server.conf each night")];
}

const table = (caption, titles, rows) => h("table", {}, h("caption", {}, caption),
  h("thead", {}, h("tr", {}, titles.map(([title, kind]) => h("th", { scope: "col", class: kind || null }, title)))), h("tbody", {}, rows));

export async function show(view) {
  const [users, tokens, summary] = await Promise.all([get("/users", null, view.signal), get("/tokens", null, view.signal), get("/summary", null, view.signal)]);
  const server = summary.server;
  return [
    h("div", { class: "head" }, h("h1", {}, "Admin")),
    h("section", { class: "sheet" },
      h("header", {}, h("h2", {}, "Users"), h("div", { class: "acts" }, h("button", { type: "button", class: "first", click: () => addUser(view) }, "Add user"))),
      table("Users", [["State"], ["Name"], ["Role", "mid"], ["Actions", "acts-head"]], users.items.map((user) => userRow(view, user)))),
    h("section", { class: "sheet" },
      h("header", {}, h("h2", {}, "Enrolment tokens"), h("span", { class: "quiet" }, "made by Add agent; what is spent is gone from here")),
      tokens.items.length
        ? table("Enrolment tokens", [["Id", "mid"], ["For"], ["Network", "wide"], ["Left", "num mid"], ["Ends", "num"], ["Actions", "acts-head"]], tokens.items.map((token) => tokenRow(view, token)))
        : h("p", { class: "pad quiet" }, "None is open.")),
    h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Store")),
      h("dl", {}, [["Last backup", backupWords(summary.backup)], ["Entries", count(summary.store.entries)],
        ["Log", [count(summary.store.bytes), " bytes in ", plural(summary.store.segments, "segment")]]]
        .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    h("section", { class: "sheet" }, h("header", {}, h("h2", {}, "Server")),
      h("dl", {}, [["Name", foreign(server.name)], ["Version", server.version],
        ["Root certificate", server.root_sha256 ? h("span", { class: "mono" }, "SHA-256 " + server.root_sha256) : "not made here"],
        ["API", h("a", { href: "/api/v1/openapi.json", target: "_blank", rel: "noopener" }, "description (OpenAPI)")]]
        .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
  ];
}
