// Keys for those who keep their hands on the keyboard. They can be switched off
// (WCAG 2.1.4): the choice is kept in this browser.
import { dialog, h } from "/gui/dom.js";

const OFF = "clm-keys-off";
const off = () => localStorage.getItem(OFF) === "1";

const isTyping = (element) => element?.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

function help(pages) {
  const rows = [
    ["/", "Search"],
    ...pages.filter((p) => p.letter).map((p) => ["g " + p.letter, p.title]),
    ["j k", "Next and previous row"],
    ["x", "Select the row"],
    ["Enter", "Open the row"],
    ["?", "This list"],
  ];
  dialog("Keys", () => [
    h("table", { class: "keys" }, h("caption", {}, "Keys"),
      h("tbody", {}, rows.map(([k, what]) => h("tr", {}, h("td", {}, k.split(" ").map((one) => h("kbd", {}, one))), h("td", {}, what))))),
    h("label", { class: "line" },
      h("input", { type: "checkbox", checked: !off(), change: (e) => localStorage.setItem(OFF, e.target.checked ? "0" : "1") }),
      "Keys of one letter are on"),
  ]);
}

// pages: rows with letter, title and path. go(path) changes the page.
export function listen(pages, go) {
  let afterG = 0;
  const actions = {
    "/": () => document.querySelector("header.top .search input")?.focus(),
    "?": () => help(pages),
    j: () => document.querySelector("clm-list")?.move(1),
    k: () => document.querySelector("clm-list")?.move(-1),
    x: () => document.querySelector("clm-list")?.toggle(),
    g: () => (afterG = Date.now()),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target) || (off() && event.key !== "?")) return;
    const page = Date.now() - afterG < 1500 && pages.find((p) => p.letter === event.key);
    afterG = 0;
    const act = page ? () => go(page.path) : actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  return () => help(pages);
}
