// Freshdesk's side of the sidebar: what the platform's client can do, as the `host` that
// sidebar.js starts with. https://developers.freshworks.com/docs/app-sdk/v3.0/support_ticket/

import { start } from "./sidebar.js";
import { wordsFor } from "./words.js";

/* global app */

const REQUEST = "beginSession";
const SAVED_AFTER_MS = 1500;
const ANSWER_WITHIN_MS = 4000;
const BEGUN_WITHIN_MS = 15000;
const SOLVED = ["4", "5", "resolved", "closed"];

/** What Freshdesk calls a language, as one that Amends speaks. */
function languageOf(user) {
  const said = user.language || (user.contact && user.contact.language) || navigator.language;
  const code = String(said).toLowerCase().split(/[-_]/)[0];
  return ["ar", "fa"].includes(code) ? code : "en";
}

/** One template call: Freshworks adds the agent's access, which this page never sees. */
async function beginSession(client, user) {
  const said = { agent: String(user.id), origin: location.origin };
  let answer;
  try {
    answer = await client.request.invokeTemplate(REQUEST, { body: JSON.stringify(said) });
  } catch (refusal) {
    answer = refusal; // the platform rejects with an answer that is no success
  }
  const given = read(answer && answer.response);
  if (answer && answer.status === 200 && given.token && isAddress(given.address)) {
    return given;
  }
  const code = given.error || { 401: "no_access", 429: "too_fast" }[answer && answer.status];
  throw Object.assign(new Error("no session"), { code, say: given.say });
}

function read(text) {
  try {
    const found = typeof text === "string" ? JSON.parse(text) : text;
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

function isAddress(text) {
  return typeof text === "string" && /^https?:\/\/[^/?#]+(\/[^?#]*[^/?#])?$/.test(text);
}

/** Say in words why nothing shows. What the server says is text, never markup. */
function refuse(language, trouble) {
  const words = wordsFor(language);
  const place = document.getElementById("amends");
  const paragraph = document.createElement("p");
  paragraph.setAttribute("role", "alert");
  paragraph.textContent = words[trouble.code] || words.down;
  place.replaceChildren(paragraph);
  if (trouble.say && trouble.code !== "no_access") {
    const detail = document.createElement("p");
    detail.className = "subtle";
    detail.dir = "ltr";
    detail.lang = "en";
    detail.textContent = trouble.say;
    place.append(detail);
  }
  place.removeAttribute("aria-busy");
  Object.assign(document.documentElement, { lang: language, dir: words.dir });
}

/** Whether what is about to be saved solves the ticket: its new status, by number or by name. */
function solves(change) {
  const value = change && typeof change === "object" ? change.new ?? change.value : change;
  return SOLVED.includes(String(value).toLowerCase());
}

/**
 * Freshdesk asks before it saves. A ticket must stay solvable while Amends is slow or away: asking
 * first is a help, not a lock.
 */
function beforeSaving(client, check) {
  let chosen; // what the agent has set the status to and not saved yet
  client.events.on("ticket.statusChanged", (event) => { chosen = event.helper.getData(); });

  const held = async (event, solving) => {
    const late = new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS, null));
    const asked = solving ? check() : null;
    const why = await Promise.race([asked, late]).catch(() => null);
    if (why) {
      event.helper.fail(why);
    } else {
      event.helper.done();
    }
  };
  const intercept = { intercept: true };
  client.events.on("ticket.propertiesUpdated", (event) => {
    const { status } = event.helper.getData() || {};
    held(event, solves(status ?? chosen));
  }, intercept);
  client.events.on("ticket.closeTicketClick", (event) => held(event, true), intercept);
}

function hostOf(client, session, ticket, language) {
  return {
    name: "freshdesk",
    address: session.address,
    token: session.token,
    ticketId: String(ticket.id),
    locale: language,
    theme: "light", // Freshdesk tells of no other
    resize: (px) => client.instance.resize({ height: `${Math.ceil(px)}px` }),
    notify: (text, kind) =>
      client.interface.trigger("showNotify", {
        type: kind === "error" ? "danger" : "success",
        title: "Amends",
        message: text,
      }),
    appendReply: (text) =>
      client.interface.trigger("setValue", {
        id: "editor",
        text,
        replace: false,
        position: "end",
      }),
    onTicketChanged: (callback) => {
      client.events.on("ticket.statusChanged", () => callback());
      // This one comes when Update is pressed, before anything is saved.
      client.events.on("ticket.propertiesUpdated", () => setTimeout(callback, SAVED_AFTER_MS));
    },
    onSave: (check) => beforeSaving(client, check),
  };
}

/** The platform's client; it never comes where this page is not beside a ticket. */
function begun() {
  const alone = Object.assign(new Error("no client"), { code: "alone" });
  return Promise.race([
    app.initialized(),
    new Promise((_, reject) => setTimeout(reject, BEGUN_WITHIN_MS, alone)),
  ]);
}

async function open() {
  let language = languageOf({});
  try {
    const client = await begun();
    const [{ ticket }, { loggedInUser }] = await Promise.all([
      client.data.get("ticket"),
      client.data.get("loggedInUser"),
    ]);
    language = languageOf(loggedInUser);
    const session = await beginSession(client, loggedInUser);
    await start(hostOf(client, session, ticket, language));
  } catch (trouble) {
    refuse(language, trouble);
  }
}

open();
