// Log in, and the first password from a one-time link (its secret stands behind
// "#", which a browser never sends).
import { send } from "/gui/api.js";
import { field, h, replace } from "/gui/dom.js";

const box = (title, ...content) => h("div", { class: "sheet entry" }, h("p", { class: "brand" }, "clm"), h("h1", {}, title), content);

// A form that says what went wrong, and keeps what was typed.
function entryForm(fields, label, submit) {
  const error = h("div", { role: "alert" });
  const button = h("button", { class: "first" }, label);
  const onSubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    replace(error);
    try {
      await submit(new FormData(form));
    } catch (problem) {
      replace(error, h("p", { class: "notice bad" }, problem.message));
    }
    button.disabled = false;
  };
  const form = h("form", { submit: onSubmit }, fields, error, button);
  return form;
}

// Only an address of our own: another would be a gift to those who send links.
function nextPage(query) {
  const next = query.get("next") || "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}

const LOG_IN_FAILED = { 401: "Name or password is wrong.", 429: "Too many attempts: wait a little." };

export async function show(view) {
  const form = entryForm([
    field("User", { name: "user", autocomplete: "username", required: true, autofocus: true, autocapitalize: "none", spellcheck: "false" }),
    field("Password", { name: "password", type: "password", autocomplete: "current-password", required: true }),
  ], "Log in", async (data) => {
    try {
      view.entered(await send("POST", "/session", { user: data.get("user"), password: data.get("password") }));
    } catch (problem) {
      throw LOG_IN_FAILED[problem.status] ? new Error(LOG_IN_FAILED[problem.status]) : problem;
    }
    view.go(nextPage(view.query), { replace: true });
  });
  return box("Log in", form);
}

export async function showWelcome(view) {
  const secret = location.hash.slice(1);
  if (!secret) return box("Welcome", h("p", {}, "The link is incomplete. Open it whole, as it was given to you, or ",
    h("a", { href: "/login" }, "log in"), "."));
  const form = entryForm([
    field("New password", { name: "password", type: "password", autocomplete: "new-password", required: true, minlength: 12, autofocus: true },
      "12 characters or more."),
    field("Once more", { name: "again", type: "password", autocomplete: "new-password", required: true }),
  ], "Set the password", async (data) => {
    if (data.get("password") !== data.get("again")) throw new Error("The two passwords differ.");
    try {
      view.entered(await send("POST", "/session/link", { link: secret, password: data.get("password") }));
    } catch (problem) {
      throw problem.status === 401 || problem.status === 404
        ? new Error("This link was used already, or it is too old. Ask for another: clm-server user link NAME.") : problem;
    }
    view.go("/", { replace: true });
  });
  return box("Choose a password", h("p", { class: "quiet" }, "This link works once."), form);
}
