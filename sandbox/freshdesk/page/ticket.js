// The ticket as an agent sees it: what they do goes through the REST API in their own name, and apps
// beside it are spoken to by messages. A message counts only from an app's own frame and origin.

import { Apps } from "./apps.js";

const page = JSON.parse(document.getElementById("page").textContent);
const $ = (id) => document.getElementById(id);
const OFTEN_MS = 1500;
const at = `/api/v2/tickets/${page.ticket_id}`;
const CLOSED = 5;
let ticket = null;

async function api(path, method = "GET", body = undefined) {
  const headers = { Authorization: `Basic ${btoa(`${page.key}:X`)}`, "Content-Type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw { status: answer.status, response: await answer.text() };
  return answer.json();
}

async function refresh() {
  const before = ticket;
  ticket = await api(`${at}?include=conversations,requester`);
  $("subject").textContent = ticket.subject;
  $("requester").textContent = ticket.requester.name;
  $("status-now").textContent = page.statuses[ticket.status];
  $("tags").replaceChildren(...ticket.tags.map((tag) => element("li", tag)));
  if (before === null || before.status !== ticket.status) $("status").value = String(ticket.status);
  const said = JSON.stringify(ticket.conversations);
  if (before === null || said !== JSON.stringify(before.conversations)) show();
}

function show() {
  const first = { body_text: ticket.description_text, incoming: true, private: false };
  $("conversation").replaceChildren(...[first, ...ticket.conversations].map((one) => {
    const item = element("li", one.body_text);
    item.dir = "auto";
    item.className = one.private ? "private" : "public";
    const who = one.incoming ? ticket.requester.name : "Support";
    item.prepend(element("b", who + (one.private ? " · private note" : "")));
    return item;
  }));
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function notice(text, kind = "success") {
  const made = element("p", text);
  made.className = kind;
  $("notices").append(made);
  setTimeout(() => made.remove(), 8000);
}

// ------------------------------------------------------------------------------- what apps may do

const READS = {
  ticket: () => ({ ticket }),
  loggedInUser: () => ({ loggedInUser: page.agent }),
  requester: () => ({ requester: ticket.requester }),
  contact: () => ({ contact: ticket.requester }),
  status_options: () => ({ status_options: Object.values(page.statuses) }),
};

const SHOWS = {
  showNotify: ({ type, message }) => notice(message, type),
  setValue: ({ id, text, replace, position }) => {
    if (id !== "editor") throw { message: `there is no ${id}` };
    const before = replace ? "" : $("text").value;
    $("text").value = position === "begin" ? text + before : before + text;
  },
};

const host = {
  data: (frame, name) => {
    if (!Object.hasOwn(READS, name)) throw { status: 404, message: `${name} is not supported` };
    return READS[name]();
  },
  interface: (frame, name, options) => {
    if (!Object.hasOwn(SHOWS, name)) throw { message: `${name} is not supported` };
    return SHOWS[name](options);
  },
  resize: (frame, { height }) => { frame.style.blockSize = height; },
  context: () => ({ instanceId: "1", location: "ticket_sidebar" }),
  template: async (frame, name, { context, body }) => {
    const path = `/a/apps/${frame.dataset.app}/invoke`;
    const answer = await api(path, "POST", { template: name, context, body });
    if (answer.status >= 400) throw answer;
    return answer;
  },
};

const apps = new Apps(document.querySelectorAll("iframe"), host, page.app_origin);

// ----------------------------------------------------------------------------- what the agent does

const change = () => ({ old: ticket.status, new: Number($("status").value) });

$("status").addEventListener("change", () => apps.tell("ticket.statusChanged", change()));
$("tickets").addEventListener("change", ({ target }) => {
  location.href = `/a/tickets/${target.value}${location.search}`;
});

async function pressed(button, event, data, act) {
  button.disabled = true;
  try {
    const no = await apps.mayGoOn(event, data);
    if (no === null) await act();
    else notice(no || "An app does not allow this.", "danger");
    await refresh();
  } catch {
    notice("That did not work.", "danger");
  } finally {
    button.disabled = false;
  }
}

$("properties").addEventListener("submit", (event) => {
  event.preventDefault();
  const { old, new: wanted } = change();
  const data = old === wanted ? {} : { status: change() };
  pressed($("update"), "ticket.propertiesUpdated", data, () => api(at, "PUT", { status: wanted }));
});

$("close").addEventListener("click", () => {
  const act = () => api(at, "PUT", { status: CLOSED });
  if (ticket.status !== CLOSED) pressed($("close"), "ticket.closeTicketClick", {}, act);
});

$("reply").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = $("text").value.trim();
  if (!body) return;
  pressed($("send"), "ticket.sendReply", { body }, async () => {
    await api(`${at}/reply`, "POST", { body });
    $("text").value = "";
  });
});

await refresh();
apps.open();
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, OFTEN_MS));
  if (!document.hidden) await refresh().catch(() => null);
}
