// The GUI in Chromium against a real server, started by tests/peers/gui_test.py, which
// hands over what it made in a JSON file (first argument). Prints one line a check.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { made, open } from "./browser.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = made.pictures;
let failed = 0;

function check(name, good, why = "") {
  if (!good) failed++;
  console.log(good ? `ok ${name}` : `not ok ${name}: ${typeof why === "string" ? why : JSON.stringify(why)}`);
}
const checkEqual = (name, got, expected) => check(name, JSON.stringify(got) === JSON.stringify(expected), `got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);

const context = await open();
const page = context.pages()[0] || await context.newPage();
const told = [], foreign = [];
const transfers = new Map();
page.on("console", (m) => ["error", "warning"].includes(m.type()) && !/status of (400|401|403|404)|ERR_INTERNET_DISCONNECTED/.test(m.text()) && told.push(m.text()));
page.on("pageerror", (error) => told.push(String(error)));
page.on("request", (request) => /^(blob|data):/.test(request.url()) || request.url().startsWith(made.url + "/") || foreign.push(request.url()));
page.on("response", (response) => {
  const { pathname } = new URL(response.url());
  const n = Number(response.headers()["content-length"]);
  if (response.status() === 200 && (pathname.startsWith("/gui/") || pathname === "/welcome")) transfers.set(pathname, n);
});

const settled = () => page.waitForSelector("main:not([aria-busy]) h1");
async function go(address) {
  await page.goto(address);
  await settled();
}
const heading = () => page.textContent("h1");
const names = () => page.locator("tbody td:nth-child(3) a").allTextContents();
const query = () => new URL(page.url()).searchParams;

async function look(name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: path.join(pictures, `${name}-${scheme}.png`), animations: "disabled" });
    const found = await page.evaluate(axe + "; axe.run(document).then(r => ({ passes: r.passes.length, violations: r.violations.map(v => [v.id, v.nodes[0].html.slice(0, 200)]) }))");
    check(`axe: ${name}, ${scheme}`, found.violations.length === 0 && found.passes > 10, found);
  }
}

async function logIn(user, password) {
  await page.fill("input[name=user]", user);
  await page.fill("input[name=password]", password);
  await page.click("button.first");
}

// ---- the first password -----------------------------------------------------
await go("/welcome#" + made.link);
await look("welcome");
await page.fill("input[name=password]", made.password);
await page.fill("input[name=again]", made.password + "x");
await page.click("button.first");
check("welcome: two passwords that differ", (await page.textContent("[role=alert]")).includes("differ"));
await page.fill("input[name=again]", made.password);
await page.click("button.first");
await page.waitForSelector("header.top");
await settled();
checkEqual("welcome: then the dashboard, without the secret", page.url(), made.url + "/");
await look("dashboard");
check("dashboard: says what needs one", /need/.test(await heading()), await heading());
check("dashboard: the expired one is named", (await page.textContent("main")).includes("expired.gui.example"));

const bars = await page.locator(".bars a").evaluateAll((all) => all.map((a) => Number(a.title.replace(/,/g, "").split(" ")[0])));
await page.click("summary:has-text('As a table')");
const weeks = await page.locator("details td.num").allTextContents();
check("dashboard: a bar for each week, the same numbers in the table", bars.length === 53 && bars[0] === 1 &&
  weeks.reduce((a, b) => a + Number(b), 0) === made.total && bars.filter(Boolean).every((n, i) => n === Number(weeks[i])), [bars, weeks]);
await look("dashboard-table");
await page.click("details tbody tr:nth-child(2) a");
await page.waitForSelector("clm-list tbody tr");
check("dashboard: a week is a query", query().get("q").startsWith("is:served expires>=") && (await page.locator("tbody tr").count()) === Number(weeks[1]), query().get("q"));
await go("/");

// ---- log out, log in --------------------------------------------------------
await page.click("text=Log out");
await page.waitForSelector("input[name=password]");
await go("/certificates?view=all");
checkEqual("without a session: to log in, and back", [new URL(page.url()).pathname, query().get("next")], ["/login", "/certificates?view=all"]);
await look("login");
await logIn("admin", "wrong");
await page.waitForSelector("[role=alert] p");
checkEqual("log in: wrong, and the name is kept", [await page.textContent("[role=alert]"), await page.inputValue("input[name=user]")],
  ["Name or password is wrong.", "admin"]);
await page.fill("input[name=password]", made.password);
await page.keyboard.press("Enter");
await page.waitForSelector("clm-list tbody tr");
checkEqual("log in: back to where one wanted to go", page.url(), made.url + "/certificates?view=all");
const cookies = await context.cookies();
check("the session's cookie is out of reach of scripts", cookies.length === 1 && cookies[0].httpOnly && cookies[0].secure && cookies[0].sameSite === "Strict" &&
  (await page.evaluate(() => document.cookie)) === "", cookies);

// ---- certificates -----------------------------------------------------------
await go("/certificates");
await look("certificates");
checkEqual("list: a caption, and the order is said", [await page.textContent("caption"), await page.getAttribute("th:has-text('Ends')", "aria-sort")],
  ["Certificates", "ascending"]);
const ends = await page.locator("tbody td:nth-child(6) time").evaluateAll((all) => all.map((t) => t.getAttribute("datetime")));
check("list: ends come in order", ends.length >= 100 && ends.every((e, i) => i === 0 || ends[i - 1] <= e));
checkEqual("list: the expired one first", (await names())[0], "expired.gui.example");
await page.click("th:has-text('Ends') button");
await page.waitForSelector("th[aria-sort=descending]");
check("list: turned round, in the address, focus kept", query().get("order") === "desc" && (await page.evaluate(() => document.activeElement.textContent)).startsWith("Ends"));
await page.click("text=Next page");
await page.waitForSelector("text=First page");
check("list: the next page has its address", query().get("cursor") !== null);
const second = await names();
await page.reload();
await page.waitForSelector("text=First page");
checkEqual("list: which stands", await names(), second);
await page.goBack();
await page.waitForFunction(() => !document.querySelector(".pager")?.textContent.includes("First page"));
check("list: and back", (await names())[0] !== second[0]);
await page.keyboard.press("/");
await page.keyboard.type("host-007");
await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
checkEqual("search: as one types, in the address", [await names(), query().get("q")], [["host-007.gui.example"], "host-007"]);
check("search: the focus stays in the box", await page.evaluate(() => document.activeElement.name === "q"));
await page.fill(".search input", "no such thing");
await page.waitForSelector(".nothing");
check("search: nothing is said", (await page.textContent(".nothing")).includes("no such thing"));
await page.fill(".search input", made.good.sha256.slice(0, 20));
await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
checkEqual("search: by fingerprint", await names(), [made.good.name]);

// ---- queries ----------------------------------------------------------------
await go("/certificates");
const chipTexts = () => page.locator(".chips .chip b").allTextContents();
const note = () => page.textContent("#query-note");
const oneRow = (n) => page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, n);
checkEqual("query: what is served, as a chip", await chipTexts(), ["is:served"]);
for (const [label, expected] of [["Expired", ["expired.gui.example"]], ["Expiring", ["soon.gui.example"]]]) {
  await page.click(`.tabs a:has-text('${label}')`);
  await page.waitForFunction((l) => document.querySelector(".tabs [aria-current]")?.textContent === l, label);
  const found = await names();
  check(`tab ${label}: its query, in the box and as chips`, expected.every((n) => found.includes(n)) && found.length < 4 &&
    (await page.inputValue(".search input")) === query().get("q") && (await chipTexts()).join(" ") === query().get("q"), [found, query().get("q")]);
}
await look("tab-expiring");
await page.click(".chip:has-text('expires') button");
await page.waitForFunction(() => !location.search.includes("expires"));
checkEqual("chip: dropped out of the query", query().get("q"), "is:served not is:expired");
await page.click(".tabs a:has-text('Weak')");
await page.waitForSelector(".nothing");
checkEqual("chips: parentheses stay together", await chipTexts(), ["is:served", "(key:rsa<2048 or key:ec<224 or key:dsa or sig:md5 or sig:sha1)"]);
await page.click(".tabs a:has-text('Served now')");
await page.waitForSelector("tbody tr");
await page.keyboard.press("/");
await page.keyboard.type("exp");
await page.waitForSelector("#query-list li");
checkEqual("completion: a field", await page.locator("#query-list li b").allTextContents(), ["expires"]);
await look("completion");
await page.keyboard.press("ArrowDown");
checkEqual("completion: said to screen readers", await page.evaluate(() => [document.activeElement.getAttribute("aria-expanded"),
  document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.textContent.slice(0, 7)]), ["true", "expires"]);
await page.keyboard.press("Enter");
await page.keyboard.type("<10d is:ex");
await page.waitForSelector("#query-list li b:has-text('expired')");
await page.keyboard.press("ArrowDown");
await page.keyboard.press("Tab");
await oneRow(1);
checkEqual("completion: a whole query by keyboard", [await page.inputValue(".search input"), await names()], ["expires<10d is:expired ", ["expired.gui.example"]]);
await page.keyboard.press("Escape");
await page.fill(".search input", "is:served isuer:gui");
await page.waitForSelector("#query-note:not(:empty)");
check("a mistake: its column under the box, what was shown stays", (await note()).includes("Column 11") && (await note()).includes("issuer") &&
  (await names())[0] === "expired.gui.example" && (await page.getAttribute(".search input", "aria-invalid")) === "true", await note());
await look("mistake");
await page.fill(".search input", "san:host-00*.gui.example (key:ec or key:rsa)");
await oneRow(10);
checkEqual("mended: nothing is said any more", [await note(), await page.getAttribute(".search input", "aria-invalid")], ["", null]);
await page.fill(".search input", "issuer:");
await page.waitForSelector("#query-note.hint");
check("what is not yet written to its end is a hint", (await page.getAttribute(".search input", "aria-invalid")) === "false");
await go("/certificates?q=" + encodeURIComponent("(a"));
checkEqual("a mistake in an address", [await heading(), (await note()).includes("Column 1: a closing parenthesis")], ["This did not work", true]);
await go("/endpoints?q=" + encodeURIComponent("outcome:refused port:443"));
checkEqual("query: of endpoints", [await page.locator("tbody tr").count(), await chipTexts()], [1, ["outcome:refused", "port:443"]]);
await go("/agents?q=network:default");
checkEqual("query: of agents", await page.locator("tbody tr").count(), 1);
await page.setViewportSize({ width: 360, height: 740 });
await go("/certificates?q=" + encodeURIComponent("is:served expires<30d"));
await page.click(".search input");
await page.keyboard.press("End");
await page.keyboard.type(" i");
await page.waitForSelector("#query-list li");
check("completion fits 360 px", (await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
await look("narrow-completion");
await page.keyboard.type("s:shiny ");
await page.waitForSelector("#query-note:not(:empty):not(.hint)");
check("a mistake fits 360 px", (await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
await look("narrow-mistake");
await page.setViewportSize({ width: 1280, height: 860 });
await go("/certificates?q=" + made.good.sha256.slice(0, 20));

// ---- one certificate --------------------------------------------------------
await page.click("tbody a");
await page.waitForSelector("dl");
await look("certificate");
const fields = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll("dl dt")].map((dt) => [dt.textContent, dt.nextSibling.textContent])));
for (const [name, value] of Object.entries(made.good.fields)) checkEqual(`certificate: ${name}`, fields[name]?.replaceAll(" ", ""), value.replaceAll(" ", ""));
check("certificate: where it is served", (await page.textContent("section:has-text('Where it is served')")).includes("good.gui.example:443"));
await page.click("summary");
checkEqual("certificate: its PEM", await page.textContent("details pre"), made.good.pem);
const [download] = await Promise.all([page.waitForEvent("download"), page.click("a[download]")]);
checkEqual("certificate: download", fs.readFileSync(await download.path(), "utf8"), made.good.pem);
await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: made.url });
await page.click("text=Copy PEM");
await page.waitForSelector("text=Copied");
checkEqual("certificate: copy", await page.evaluate(() => navigator.clipboard.readText()), made.good.pem);
await go("/certificates/" + "0".repeat(64));
checkEqual("an unknown certificate", await heading(), "Not found");

// ---- hostile text -----------------------------------------------------------
await go("/certificates?view=all&q=" + made.hostile.sha256);
await page.click("tbody a");
await page.waitForSelector("dl");
await look("hostile");
check("hostile: markup is text", (await page.textContent("h1")).includes("<img src=x onerror=") && (await page.locator("main img").count()) === 0);
check("hostile: reordering characters are shown", (await page.textContent("h1")).includes("U+202E") && !(await page.innerText("main")).includes("\u202e"));
check("hostile: nor in the title of the tab", !(await page.title()).includes("\u202e") && (await page.title()).includes("U+202E"), await page.title());
checkEqual("hostile: nothing ran", await page.evaluate(() => window.hacked), undefined);
checkEqual("the policy forbids markup from text", await page.evaluate(() => {
  try {
    document.createElement("p").innerHTML = "<b>x</b>";
    return "made";
  } catch (error) {
    return error.name;
  }
}), "TypeError");
told.length = 0; // that one was meant

// ---- keys -------------------------------------------------------------------
await go("/");
await page.keyboard.press("g");
await page.keyboard.press("c");
await page.waitForSelector("clm-list tbody tr");
for (const key of ["j", "j", "x", "k", "x"]) await page.keyboard.press(key);
checkEqual("keys: g c, j, k, x", await page.textContent(".selection span"), "2 selected");
const [both] = await Promise.all([page.waitForEvent("download"), page.click(".selection button")]);
checkEqual("selected certificates as one PEM", fs.readFileSync(await both.path(), "utf8").match(/BEGIN CERTIFICATE/g)?.length, 2);
await page.keyboard.press("?");
await page.waitForSelector("dialog[open]");
await look("keys");
await page.click("dialog input[type=checkbox]");
await page.keyboard.press("Escape");
await page.keyboard.press("g");
await page.keyboard.press("e");
await page.waitForTimeout(300);
checkEqual("keys: can be switched off", new URL(page.url()).pathname, "/certificates");
await page.keyboard.press("?");
await page.click("dialog input[type=checkbox]");
await page.keyboard.press("Escape");
await page.keyboard.press("j");
await page.keyboard.press("Enter");
await page.waitForSelector("dl");
check("keys: Enter opens the row", /^\/certificates\/[0-9a-f]{64}$/.test(new URL(page.url()).pathname), page.url());

// ---- endpoints --------------------------------------------------------------
await go("/endpoints?q=good.gui.example");
await look("endpoints");
await page.click("tbody a");
await page.waitForSelector("h2:has-text('Faces')");
await look("endpoint");
check("endpoint: faces and certificate", (await page.textContent("main")).includes("TLSv1.3") && (await page.textContent("main")).includes(made.good.name));
await go("/endpoints?q=closed.gui.example");
check("endpoint: what did not answer is named so", (await page.textContent("tbody tr")).includes("refused"));

await go("/endpoints?q=" + encodeURIComponent("/etc/ssl/good"));
checkEqual("file: one in the list", await page.locator("tbody tr").count(), 1);
await page.click("tbody a");
await page.waitForSelector("h2:has-text('Faces')");
await look("file");
const fileText = await page.textContent("main");
check("file: kind, owner, mode, keys and what is said of it", ["PEM", "root:110", "0644", "everybody may read", made.good.name].every((x) => fileText.includes(x)), fileText);
check("file: no TLS, no SNI, and its name is made visible", !fileText.includes("SNI") && !fileText.includes("\u202e") && !fileText.includes("undefined"), fileText);

// ---- agents -----------------------------------------------------------------
await go("/agents");
await look("agents");
await page.click("main button:has-text('Add agent')");
await page.waitForSelector("dialog[open]");
await look("add-agent");
await page.fill("dialog input[name=names]", "a b");
await page.click("dialog button.first");
await page.waitForSelector("dialog [role=alert] p");
checkEqual("add agent: a refusal keeps what was typed", await page.inputValue("dialog input[name=names]"), "a b");
await page.fill("dialog input[name=names]", "*.gui.example");
await page.click("dialog button.first");
await page.waitForSelector(".command");
await look("command");
const commands = await page.locator(".command pre").allTextContents();
check("add agent: the token comes by a pipe", commands.length === 2 && /^printf '%s\\n' 'clm1\.\S+' \| ers login https:\S+ --token-file -$/.test(commands[0]) &&
  /^'clm1\.\S+' \| ers\.exe login https:\S+ --token-file -$/.test(commands[1]), commands);
await page.click("dialog button.first");
await settled();
await page.click("tbody a");
await page.waitForSelector("dl");
await look("agent");
await page.click("text=Rename");
await page.fill("dialog input[name=name]", "gui-renamed");
await page.click("dialog button.first");
await page.waitForSelector("h1:has-text('gui-renamed')");
await page.click("main .acts >> text=Disable");
await page.click("dialog button.first");
await page.waitForSelector(".head .mark:has-text('disabled')");
await page.click("main .acts >> text=Enable");
await page.waitForSelector(".head .mark:has-text('active')");
check("agent: renamed, disabled, enabled", true);
await page.click("dd a[href^='/certificates?agent=']");
await page.waitForSelector(".chip:has-text('agent:')");
check("agent: its certificates, with a filter that is seen", (await page.textContent(".chip:has-text('agent:')")).includes("gui-renamed"));
await page.click(".chip:has-text('agent:') button");
await page.waitForFunction(() => !document.querySelector(".chips").textContent.includes("agent:"));
checkEqual("filter: dropped", query().get("agent"), null);

// ---- requests ---------------------------------------------------------------
await go("/requests");
checkEqual("requests: how many wait stands in the menu", await page.textContent("nav a[href='/requests'] .count"), "2");
checkEqual("requests: the queue, the oldest first", await page.locator("tbody td:nth-child(2) a").allTextContents(), ["wanted.gui.example", "unwanted.gui.example"]);
await look("requests");
await page.click("tbody a");
await page.waitForSelector("h2:has-text('What differs')");
await look("request");
const differs = await page.textContent("section:has-text('What differs from the profile')");
check("request: what differs from the profile", differs.includes("left out") && differs.includes("subject") && differs.includes("<img src=x") && differs.includes("\\u{202e}") && !differs.includes("\u202e"), differs);
const asked = await page.textContent("dl");
check("request: names, key and agent", ["wanted.gui.example, www.wanted.gui.example", "192.0.2.80", "EC P-256", "gui-renamed"].every((w) => asked.includes(w)), asked);
await page.click("main .acts button.first");
await page.waitForSelector("dialog[open]");
await look("approve");
await page.click("dialog button.first");
await page.waitForSelector(".head .mark:has-text('issued')");
check("request: approved in the browser", (await page.textContent("dl")).includes("by admin") && (await page.textContent("dl")).includes("issued, not yet served"));
await page.waitForFunction(() => document.querySelector("nav a[href='/requests'] .count").textContent === "1");
check("requests: one less waits", true);
await page.click("dl a[href^='/certificates/']");
await page.waitForSelector("h2:has-text('Service')");
check("certificate: issued, not yet served", (await page.textContent(".head")).includes("issued, not yet served") &&
  (await page.textContent("main")).includes("no scan has seen it"));
await page.click("section:has-text('Service') button:has-text('Edit')");
await page.waitForSelector("dialog[open]");
await look("service-edit");
await page.fill("dialog input[name=owner]", "Team Web");
await page.fill("dialog input[name=tags]", "prod, dmz");
await page.fill("dialog textarea[name=notes]", "Ask Kim.\nThen Jo.");
await page.click("dialog button.first");
await page.waitForSelector("dd:has-text('Team Web')");
await look("issued");
checkEqual("certificate: owner, tags and notes", [await page.locator("dd .chip").allTextContents(), await page.textContent("dd .lines")], [["prod", "dmz"], "Ask Kim.\nThen Jo."]);
const issuedAt = page.url();
await page.click("section:has-text('Service') button:has-text('Edit')");
checkEqual("certificate: and are there to be edited", [await page.inputValue("dialog input[name=tags]"), await page.inputValue("dialog textarea")], ["prod, dmz", "Ask Kim.\nThen Jo."]);
await page.keyboard.press("Escape");
await go("/certificates?view=all&q=wanted.gui.example");
check("certificates: owner, and not yet served", (await page.textContent("tbody tr")).includes("not yet"), await page.textContent("tbody"));
await go(new URL(issuedAt).pathname);
await page.click("main .acts >> text=Revoke");
await page.waitForSelector("dialog[open]");
await look("revoke");
await page.selectOption("dialog select", "superseded");
await page.click("dialog button.first");
await page.waitForSelector(".notice:has-text('superseded')");
await look("revoked");
check("certificate: revoked", (await page.textContent(".head")).includes("revoked") && (await page.locator("main .acts >> text=Revoke").count()) === 0);
await go("/requests/" + made.requests.refuse);
await page.click("main .acts >> text=Refuse");
await page.waitForSelector("dialog[open]");
await look("refuse");
await page.fill("dialog textarea[name=reason]", "Use the wildcard.");
await page.click("dialog button.first");
await page.waitForSelector(".head .mark:has-text('refused')");
await look("refused");
check("request: refused with its reason", (await page.textContent("dl")).includes("Use the wildcard.") && (await page.locator("main .acts").count()) === 0);
await go("/requests");
check("requests: nothing waits", (await page.textContent(".nothing")).includes("Nothing waits"));
await page.click("text=All");
await page.waitForSelector("tbody tr");
checkEqual("requests: all, the newest first", await page.locator("tbody td:first-child").allTextContents(), ["✕refused", "✕revoked"]);

// ---- work for an agent ------------------------------------------------------
await go("/agents/" + made.agent);
await page.click("text=Edit targets");
await page.fill("dialog textarea", "wanted.gui.example 443\nbad host 99999");
await page.click("dialog button.first");
await page.waitForSelector("dialog [role=alert] p");
check("targets: a bad line is named, what was typed stays", (await page.textContent("dialog [role=alert]")).includes("line 2") &&
  (await page.inputValue("dialog textarea")).includes("99999"), await page.textContent("dialog [role=alert]"));
await look("targets");
await page.fill("dialog textarea", "wanted.gui.example 443\n10.0.0.0/24 8443");
await page.click("dialog button.first");
await page.waitForSelector("section:has-text('Targets from here') pre");
checkEqual("targets: set", await page.textContent("section:has-text('Targets from here') pre"), "wanted.gui.example 443\n10.0.0.0/24 8443");
await page.click("main .acts >> text=Scan now");
await page.fill("dialog input[name=targets]", "wanted.gui.example:443");
await page.click("dialog button.first");
await page.waitForSelector("dd:has-text('waits for the agent')");
await look("agent-work");
check("scan now: waits for the agent", (await page.textContent("main")).includes("wanted.gui.example:443"));

// ---- admin ------------------------------------------------------------------
await go("/admin");
await look("admin");
await page.click("text=Add user");
await page.fill("dialog input[name=name]", "kim");
await page.click("dialog button.first");
await page.waitForSelector(".command pre");
const link = await page.textContent(".command pre");
check("admin: a new user has a link", link.startsWith(made.url + "/welcome#"), link);
await page.click("dialog button.first");
await page.waitForSelector("tbody tr:has-text('kim')");
await page.click("button[aria-label='Change password admin']");
await page.fill("input[name=current]", "not the password");
await page.fill("input[name=password]", made.password + " 2");
await page.fill("input[name=again]", made.password + " 3");
await page.click("dialog button.first");
check("password: two that differ", (await page.textContent("dialog [role=alert]")).includes("differ"));
await page.fill("input[name=again]", made.password + " 2");
await page.click("dialog button.first");
await page.waitForSelector("dialog [role=alert] :text('until now')");
await look("password");
await page.fill("input[name=current]", made.password);
await page.click("dialog button.first");
await page.waitForSelector("dialog :text('It is changed')");
await page.click("dialog button.first");
await page.reload();
await page.waitForSelector("tbody tr:has-text('kim')");
check("password: changed, and the session goes on", true);
await page.click("button[aria-label^='Revoke token']");
await page.click("dialog button.first");
await page.waitForSelector("text=None is open.");
check("admin: a token is revoked", true);

// ---- a viewer ---------------------------------------------------------------
await page.click("text=Log out");
await page.waitForSelector("input[name=password]");
await go(new URL(link).pathname + new URL(link).hash);
await page.fill("input[name=password]", made.password);
await page.fill("input[name=again]", made.password);
await page.click("button.first");
await page.waitForSelector("header.top");
await go("/agents");
await go("/requests/" + made.requests.refuse);
checkEqual("a viewer decides nothing", await page.locator("main .acts").count(), 0);
await go("/agents");
checkEqual("a viewer adds no agents and administers nothing", [await page.locator("text=Add agent").count(), await page.locator("nav a:has-text('Admin')").count()], [0, 0]);
await go(new URL(link).pathname + new URL(link).hash);
await page.fill("input[name=password]", made.password);
await page.fill("input[name=again]", made.password);
await page.click("button.first");
await page.waitForSelector("[role=alert] p");
check("a link works once", (await page.textContent("[role=alert]")).includes("used already"));

// ---- a lost connection ------------------------------------------------------
await go("/");
await context.setOffline(true);
await page.click("nav a:has-text('Endpoints')");
await page.waitForSelector(".notice.bad");
check("a lost server is said", (await page.textContent(".notice")).includes("does not answer"));
await context.setOffline(false);
await page.waitForSelector("clm-list tbody tr");
check("and mended", (await heading()) === "Endpoints");

// ---- narrow, and at 200 % ---------------------------------------------------
for (const width of [360, 640]) {
  await page.setViewportSize({ width, height: 740 });
  for (const [name, address] of [["dashboard", "/"], ["certificates", "/certificates"], ["certificate", "/certificates/" + made.good.sha256],
    ["hostile", "/certificates/" + made.hostile.sha256], ["endpoints", "/endpoints"], ["agents", "/agents"], ["requests", "/requests?view=all"], ["request", "/requests/" + made.requests.approve],
    ["agent", "/agents/" + made.agent]]) {
    await go(address);
    check(`${name} fits ${width} px`, (await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    if (width === 360) await look("narrow-" + name);
  }
}

// ---- all of it --------------------------------------------------------------
const total = [...transfers.values()].reduce((a, b) => a + b, 0);
check("the GUI is under 100 KB on the wire", transfers.size > 10 && total > 10000 && total < 100000, `${transfers.size} files, ${total} bytes`);
checkEqual("no request to another host", foreign, []);
checkEqual("no error in the console", told, []);
await context.close();
process.exit(failed ? 1 : 0);
