// The frame: which page stands at which address, the session, the menu, what is
// said when something goes wrong.
//
// A page is a module with `show(view)`, which fetches what it needs and returns
// its nodes. `view` holds:
//   params, query     of the address (query: URLSearchParams)
//   signal            aborted when the page is left
//   me                { user, role }
//   change(values, {push})   other values in the query (null: without), shown at once
//   reload()          the same again
//   go(path)          another page
//   title(text)       of the tab
import { get, send } from "/gui/api.js";
import { h, plain, replace } from "/gui/dom.js";
import { count } from "/gui/format.js";
import { listen } from "/gui/keys.js";
import { changePassword } from "/gui/password.js";
import { QueryBox } from "/gui/query.js";
import * as admin from "/gui/admin.js";
import * as agents from "/gui/agents.js";
import * as certificate from "/gui/certificate.js";
import * as certificates from "/gui/certificates.js";
import * as dashboard from "/gui/dashboard.js";
import * as endpoints from "/gui/endpoints.js";
import * as login from "/gui/login.js";
import * as requests from "/gui/requests.js";

// letter: `g` and it go there. find: what the search box of this page looks through.
const PAGES = [
  { path: "/", title: "Dashboard", letter: "d", show: dashboard.show },
  { path: "/certificates", title: "Certificates", letter: "c", show: certificates.show, find: "certificates", count: "certificates" },
  { path: "/certificates/:id", title: "Certificate", in: "/certificates", show: certificate.show },
  { path: "/endpoints", title: "Endpoints", letter: "e", show: endpoints.show, find: "endpoints", count: "endpoints" },
  { path: "/endpoints/:id", title: "Endpoint", in: "/endpoints", show: endpoints.showOne },
  { path: "/agents", title: "Agents", letter: "a", show: agents.show, find: "agents", count: "agents" },
  { path: "/agents/:id", title: "Agent", in: "/agents", show: agents.showOne },
  { path: "/requests", title: "Requests", letter: "r", show: requests.show, find: "requests", count: "requests_pending" },
  { path: "/requests/:id", title: "Request", in: "/requests", show: requests.showOne },
  { path: "/admin", title: "Admin", letter: "m", show: admin.show, role: "admin" },
  { path: "/login", title: "Log in", alone: true, show: login.show },
  { path: "/welcome", title: "Welcome", alone: true, show: login.showWelcome },
];
const MENU = PAGES.filter((page) => page.letter);
const COUNTS_AGE_MS = 20000;
const RETRY_MS = 3000;
const TYPING_MS = 250;

const main = document.getElementById("main");
let me = null;
let frame = null; // { menu, input, box, parts }
let leaving = new AbortController();
let shown = null; // the page that is on screen
let counted = 0;

function find(path) {
  for (const page of PAGES) {
    const pattern = page.path.split("/"), parts = path.split("/");
    if (pattern.length === parts.length && pattern.every((p, i) => p === parts[i] || (p[0] === ":" && parts[i])))
      return { page, params: { id: decodeURIComponent(parts[2] || "") } };
  }
  return null;
}

export function go(path, options) {
  history[options?.replace ? "replaceState" : "pushState"](null, "", path);
  return display();
}

// ---- the frame --------------------------------------------------------------

function build() {
  const input = h("input", { type: "text", name: "q", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 2000 });
  let typing = 0;
  const typed = () => shown.find && change({ q: input.value.trim() || null, cursor: null });
  const box = new QueryBox({ input, rows: () => shown?.find || "certificates", changed: () => {
    clearTimeout(typing);
    typed();
  } });
  const search = h("form", { role: "search", class: "search", submit: (event) => onSearch(event, typing) }, input,
    h("kbd", { "aria-hidden": "true" }, "/"), box.element);
  const menu = h("nav", { "aria-label": "Pages" });
  const logOut = async () => {
    await send("DELETE", "/session").catch(() => null);
    me = null;
    go("/login");
  };
  const header = h("header", { class: "top" },
    h("a", { class: "brand", href: "/" }, "clm"), search,
    h("span", { class: "who" }, h("span", { class: "quiet" }, me.user + " · " + me.role),
      h("button", { type: "button", click: () => changePassword(me) }, "Password"),
      h("button", { type: "button", click: logOut }, "Log out")));
  input.addEventListener("input", () => {
    clearTimeout(typing);
    if (shown.find) typing = setTimeout(typed, TYPING_MS);
    else box.right();
  });
  input.addEventListener("blur", () => wrong && box.wrong(wrong));
  document.body.prepend(h("a", { class: "skip", href: "#main" }, "Skip to content"), header, menu);
  frame = { menu, input, box, parts: [document.querySelector(".skip"), header, menu] };
}

function onSearch(event, typing) {
  event.preventDefault();
  clearTimeout(typing);
  frame.box.close();
  const q = frame.input.value.trim();
  if (shown.find) change({ q: q || null, cursor: null });
  else if (q) go("/certificates?view=all&q=" + encodeURIComponent(q));
}

function drop() {
  frame?.parts.forEach((part) => part.remove());
  frame = null;
}

function frameFor(page) {
  document.body.classList.toggle("alone", Boolean(page.alone));
  if (page.alone) return drop();
  if (!frame) build();
  const label = "Search " + (page.find || "names, serials, fingerprints, issuers");
  frame.input.placeholder = label;
  frame.input.setAttribute("aria-label", label);
  if (document.activeElement !== frame.input) frame.input.value = (page.find && new URLSearchParams(location.search).get("q")) || "";
  drawMenu(page);
}

function drawMenu(page) {
  const at = page.in || page.path;
  const links = MENU.filter((p) => !p.role || p.role === me.role).map((p) =>
    h("a", { href: p.path, "aria-current": p.path === at ? "page" : null }, p.title,
      p.count ? h("span", { class: "count", "data-count": p.count }) : null));
  const before = Object.fromEntries([...frame.menu.querySelectorAll("[data-count]")].map((e) => [e.dataset.count, e]));
  replace(frame.menu, links);
  for (const element of frame.menu.querySelectorAll("[data-count]")) if (before[element.dataset.count]) element.replaceWith(before[element.dataset.count]);
  frame.menu.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (Date.now() - counted > COUNTS_AGE_MS) get("/summary").then(drawCounts).catch(() => null);
}

function drawCounts(summary) {
  counted = Date.now();
  for (const element of frame?.menu.querySelectorAll("[data-count]") || []) {
    const quiet = element.dataset.count === "agents" && summary.quiet_agents;
    element.className = quiet ? "count bad" : "count";
    element.textContent = quiet ? count(quiet) + " quiet" : count(summary[element.dataset.count]);
  }
}

// ---- showing a page ---------------------------------------------------------

function change(values, options) {
  const query = new URLSearchParams(location.search);
  for (const name in values) {
    if (values[name] === null) query.delete(name);
    else query.set(name, values[name]);
  }
  const text = query.toString();
  history[options?.push ? "pushState" : "replaceState"](null, "", location.pathname + (text ? "?" + text : ""));
  return display();
}

function setTitle(text) {
  document.title = plain(text) + " · clm";
}

function viewOf(params) {
  return { params, query: new URLSearchParams(location.search), signal: leaving.signal, me, change, go, reload: display, title: setTitle, summary: drawCounts,
    entered: (user) => (me = user) };
}

// The focus stays on what was used to change the view; on a new page it goes to
// its heading, so that screen readers say where one is.
function placeFocus(isNew, key) {
  if (document.activeElement && document.activeElement !== document.body && main.contains(document.activeElement) === false && !isNew) return;
  const again = key && [...main.querySelectorAll("[data-focus]")].find((e) => e.dataset.focus === key);
  const heading = main.querySelector("h1");
  if (again) again.focus();
  else if (isNew && heading && !main.querySelector("[autofocus]")) {
    heading.tabIndex = -1;
    heading.focus();
  }
  main.querySelector("[autofocus]")?.focus();
}

async function fetchMe(page) {
  if (me || page.alone) return;
  me = await get("/session");
}

let first = true;
let wrong = null; // the problem with the query of this page

// The box says what is wrong with a query; what was shown before stays on screen.
function badQuery(problem, page) {
  if (!problem.column || !page.find || !frame) return false;
  wrong = problem;
  frame.box.wrong(problem);
  return shown === page && main.querySelector("h1");
}

async function display() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const found = find(location.pathname);
  const page = found?.page || { title: "Nothing here", show: nowhere };
  const isNew = shown !== page || page.path.includes(":");
  const focusKey = document.activeElement?.dataset?.focus;
  main.setAttribute("aria-busy", "true");
  try {
    await fetchMe(page);
    if (isNew) wrong = null;
    shown = page;
    frameFor(page);
    setTitle(page.title);
    const nodes = await page.show(viewOf(found?.params || {}));
    if (signal.aborted) return;
    wrong = null;
    frame?.box.right();
    replace(main, nodes);
  } catch (problem) {
    if (signal.aborted || problem.name === "AbortError") return;
    if (problem.status === 401 && !page.alone) return toLogin();
    const stays = !isNew && badQuery(problem, page);
    shown = page;
    if (!stays) replace(main, failed(problem));
    if (!stays) badQuery(problem, page);
    if (problem.status === 0) waitForServer();
  }
  main.removeAttribute("aria-busy");
  if (isNew && !first) window.scrollTo(0, 0);
  placeFocus(isNew && !first, focusKey);
  first = false;
}

function toLogin() {
  me = null;
  const here = location.pathname + location.search;
  return go("/login" + (here === "/" ? "" : "?next=" + encodeURIComponent(here)), { replace: true });
}

const nowhere = () => [
  h("div", { class: "head" }, h("h1", {}, "Nothing here")),
  h("p", {}, "No page stands at this address. ", h("a", { href: "/" }, "To the dashboard")),
];

function failed(problem) {
  const words = problem.status === 404 ? "There is nothing at this address; it may have been removed." : problem.message || String(problem);
  return [
    h("div", { class: "head" }, h("h1", {}, problem.status === 404 ? "Not found" : "This did not work")),
    h("p", { class: "notice bad", role: "alert" }, words),
    h("p", {}, h("button", { type: "button", click: () => display() }, "Try again")),
  ];
}

// A lost server is asked for until it is back; then the page is shown again.
function waitForServer() {
  const { signal } = leaving;
  const ask = async () => {
    if (signal.aborted) return;
    try {
      await get("/health");
      display();
    } catch {
      setTimeout(ask, RETRY_MS);
    }
  };
  main.querySelector(".notice")?.append(" Trying again every few seconds.");
  setTimeout(ask, RETRY_MS);
}

// ---- events -----------------------------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const address = new URL(link.href);
  if (address.origin !== location.origin || link.target || link.hasAttribute("download") || !find(address.pathname)) return;
  if (address.hash && address.pathname === location.pathname) return;
  event.preventDefault();
  go(address.pathname + address.search);
});

window.addEventListener("popstate", display);
listen(MENU, go);
display();
