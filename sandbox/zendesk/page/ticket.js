// The ticket as an agent sees it: what they do goes through the REST API in their own name, and apps
// beside it are spoken to by messages. A message counts only from an app's own frame and origin.

import { Apps } from "./apps.js";

const page = JSON.parse(document.getElementById("page").textContent);
const $ = (id) => document.getElementById(id);
const OFTEN_MS = 1500;

export async function api(url, { type = "GET", data } = {}) {
  const headers = { Authorization: `Bearer ${page.token}`, "Content-Type": "application/json" };
  const answer = await fetch(url, { method: type, headers, body: data });
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : null;
  throw { status: answer.status, statusText: answer.statusText, responseText: text };
}

const at = `/api/v2/tickets/${page.ticket_id}`;
const people = new Map([[page.agent.id, page.agent]]);
let ticket = null;
let comments = "";

async function person(id) {
  if (!people.has(id)) people.set(id, (await api(`/api/v2/users/${id}.json`)).user);
  return people.get(id);
}

async function refresh() {
  const [now, said] = await Promise.all([api(`${at}.json`), api(`${at}/comments.json`)]);
  const before = ticket;
  ticket = now.ticket;
  const requester = await person(ticket.requester_id);
  $("subject").textContent = ticket.subject;
  $("requester").textContent = requester.name;
  $("status-now").textContent = ticket.status;
  $("tags").replaceChildren(...ticket.tags.map((tag) => element("li", tag)));
  if (before === null || before.status !== ticket.status) $("status").value = ticket.status;
  await show(said.comments);
  if (before !== null && before.updated_at !== ticket.updated_at) apps.tell("ticket.updated", {});
  if (before !== null && before.status !== ticket.status) {
    apps.tell("ticket.status.changed", ticket.status);
  }
}

async function show(all) {
  const known = JSON.stringify(all.map((one) => [one.id, one.public]));
  if (known === comments) return;
  comments = known;
  const items = await Promise.all(all.map(async (one) => {
    const item = element("li", one.plain_body);
    item.dir = "auto";
    item.className = one.public ? "public" : "private";
    item.prepend(element("b", `${(await person(one.author_id)).name}${one.public ? "" : " · internal"}`));
    return item;
  }));
  $("comments").replaceChildren(...items);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// As HTML: nobody promises apps that their notices are taken as plain text.
function notice(html, kind = "notice") {
  const made = document.createElement("p");
  made.className = kind;
  made.innerHTML = html;
  $("notices").append(made);
  setTimeout(() => made.remove(), 8000);
}

// ------------------------------------------------------------------------------- what apps may do

const READS = {
  "ticket.id": () => ticket.id,
  "ticket.subject": () => ticket.subject,
  "ticket.status": () => $("status").value,
  "ticket.tags": () => ticket.tags,
  "ticket.requester": () => summary(people.get(ticket.requester_id)),
  "ticket.comment": () => ({ text: $("text").value, type: isPublic() ? "publicReply" : "internalNote" }),
  "currentUser": () => summary(page.agent),
  "colorScheme": () => page.theme,
};

const summary = ({ id, name, email, role, locale }) => ({ id, name, email, role, locale });
const isPublic = () => document.querySelector("[name=public]:checked").value === "yes";

async function keep(change) {
  await api(`${at}.json`, { type: "PUT", data: JSON.stringify({ ticket: change }) });
  await refresh();
}

const host = {
  context: { product: "support", location: "ticket_sidebar", ticketId: page.ticket_id, account: { subdomain: page.subdomain } },

  get(path) {
    if (path in READS) return READS[path]();
    const field = /^ticket\.customField:custom_field_(\d+)$/.exec(path);
    const found = field && ticket.custom_fields.find((one) => one.id === Number(field[1]));
    if (found) return found.value;
    throw { name: "APIError", message: `No such Api: ${path}` };
  },

  set(path, value) {
    const field = /^ticket\.customField:custom_field_(\d+)$/.exec(path);
    if (path === "ticket.status") {
      $("status").value = value;
      apps.tell("ticket.status.changed", value);
    } else if (field) {
      return keep({ custom_fields: [{ id: Number(field[1]), value }] });
    } else {
      throw { name: "APIError", message: `No such Api: ${path}` };
    }
    return value;
  },

  invoke(frame, name, given) {
    const actions = {
      resize: ([{ width, height }]) => {
        if (width && width !== "100%") frame.style.inlineSize = width;
        if (height) frame.style.blockSize = height;
      },
      notify: ([text, kind]) => notice(text, kind),
      "ticket.comment.appendText": ([text]) => { $("text").value += text; },
      "ticket.tags.add": ([tag]) => keep({ tags: [...ticket.tags, tag] }),
      "ticket.tags.remove": ([tag]) => keep({ tags: ticket.tags.filter((one) => one !== tag) }),
      track: () => null,
    };
    if (!(name in actions)) throw { name: "APIError", message: `No such Api: ${name}` };
    return actions[name](given);
  },

  // As the agent, and at this helpdesk alone.
  request: ({ url, type = "GET", data }) => {
    if (!url.startsWith("/api/")) throw { status: 0, statusText: "error", responseText: "" };
    return api(url, { type, data });
  },
};

const apps = new Apps(document.querySelectorAll("iframe"), host);

// ----------------------------------------------------------------------------- what the agent does

$("status").addEventListener("change", () => apps.tell("ticket.status.changed", $("status").value));
$("dark").addEventListener("change", ({ target }) => {
  page.theme = target.checked ? "dark" : "light";
  document.documentElement.dataset.theme = page.theme;
  apps.tell("colorScheme.changed", page.theme);
});
$("tickets").addEventListener("change", ({ target }) => {
  location.href = `/agent/tickets/${target.value}${location.search}`;
});

$("reply").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("submit").disabled = true;
  try {
    const no = await apps.mayGoOn("ticket.save");
    if (no !== null) {
      notice(no || "An app does not let this ticket be saved.", "error");
      return;
    }
    const change = { status: $("status").value };
    const text = $("text").value.trim();
    if (text) change.comment = { body: text, public: isPublic() };
    await keep(change);
    $("text").value = "";
    apps.tell("ticket.submit.done", {});
  } catch (refusal) {
    notice("The ticket was not saved.", "error");
    throw refusal;
  } finally {
    $("submit").disabled = false;
  }
});

await refresh();
apps.open();
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, OFTEN_MS));
  if (!document.hidden) await refresh().catch(() => null);
}
