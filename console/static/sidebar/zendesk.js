// The sidebar inside Zendesk: what it needs of the ticket around it, through Zendesk's own client
// (https://developer.zendesk.com/api-reference/apps/apps-support-api/ticket_sidebar/).

import { start } from "./sidebar.js";

// A ticket must stay solvable while we are slow or away: asking first is a help, not a lock.
const ANSWER_WITHIN_MS = 4000;
const SETTLE_MS = 300;
const CHANGES = ["ticket.status.changed", "ticket.tags.changed", "ticket.submit.done", "ticket.updated"];

const ALONE = {
  ar: "افتح هذه الصفحة بجانب تذكرة في Zendesk.",
  en: "Open this beside a ticket in Zendesk.",
  fa: "این صفحه را کنار یک تیکت در Zendesk باز کنید.",
};

// Zendesk does not say whether it takes its apps' texts as HTML.
const plain = (text) => String(text).replaceAll("<", "‹").replaceAll(">", "›");

function tokenOfPage() {
  const meta = document.querySelector('meta[name="amends-token"]');
  meta?.remove();
  return meta?.content ?? "";
}

function onTicketChanged(client, callback) {
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(callback, SETTLE_MS);
  };
  for (const name of CHANGES) client.on(name, soon);
}

async function whyNot(client, check) {
  const { "ticket.status": status } = await client.get(["ticket.status"]);
  return check(status);
}

// What a hook's promise resolves to is not looked at: only a rejection keeps a ticket from being
// saved, and its message is what the agent reads.
function onSave(client, check) {
  client.on("ticket.save", async () => {
    const late = new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS, null));
    const why = await Promise.race([whyNot(client, check), late]).catch(() => null);
    if (why) throw new Error(plain(why));
  });
}

function followTheme(client) {
  client.on("colorScheme.changed", (scheme) => {
    if (scheme === "light" || scheme === "dark") document.documentElement.dataset.theme = scheme;
  });
}

async function begin(client, token) {
  const [context, facts] = await Promise.all([
    client.context(),
    client.get(["currentUser", "colorScheme"]),
  ]);
  followTheme(client);
  start({
    name: "zendesk",
    address: "",
    token,
    ticketId: String(context.ticketId),
    locale: facts.currentUser?.locale ?? navigator.language,
    theme: facts.colorScheme === "dark" ? "dark" : "light",
    resize: (px) => client.invoke("resize", { width: "100%", height: `${Math.ceil(px)}px` }),
    notify: (text, kind) => client.invoke("notify", plain(text), kind),
    appendReply: (text) => client.invoke("ticket.comment.appendText", text),
    onTicketChanged: (callback) => onTicketChanged(client, callback),
    onSave: (check) => onSave(client, check),
  });
}

const token = tokenOfPage();
// False where the page was not opened by Zendesk.
const client = window.ZAFClient?.init() ?? false;
if (client) {
  begin(client, token);
} else {
  const language = navigator.language.split("-")[0];
  document.querySelector("main").textContent = ALONE[language] ?? ALONE.en;
}
