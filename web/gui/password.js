// One's own password: the one until now, and the new one twice. Other sessions end.
import { send } from "/gui/api.js";
import { field, h } from "/gui/dom.js";
import { formDialog } from "/gui/agents.js";

export function changePassword(me) {
  formDialog("Change your password", "Change it", [
    field("Password until now", { name: "current", type: "password", autocomplete: "current-password", required: true, autofocus: true }),
    field("New password", { name: "password", type: "password", autocomplete: "new-password", required: true, minlength: 12 },
      "12 characters or more."),
    field("Once more", { name: "again", type: "password", autocomplete: "new-password", required: true }),
  ], async (data, { close, show }) => {
    if (data.get("password") !== data.get("again")) throw new Error("The two passwords differ.");
    await send("POST", "/users/" + encodeURIComponent(me.user) + "/password",
      { current: data.get("current"), password: data.get("password") });
    show(h("p", {}, "It is changed. Your other sessions have ended."),
      h("div", { class: "acts" }, h("button", { type: "button", class: "first", autofocus: true, click: close }, "Done")));
  });
}
