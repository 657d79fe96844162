/* The sidebar's own script. A helpdesk's adaptor calls `start(host)`; everything that is shown and
   done comes from Amends as HTML, and is asked for by htmx. No secret and no rule lives here.

   host = {
     name: "zendesk" | "freshdesk",   whose look the panel takes on
     address: "" | "https://...",     where Amends is; "" where it served this page
     token, ticketId, locale, theme: "light" | "dark",
     resize(px), notify(text, "notice" | "error"), appendReply(text),
     onTicketChanged(callback), onSave(check)      check(status) -> null, or why not to save
   } */

/* global htmx */

const WORDS = {
  en: {
    unreachable: "Amends cannot be reached just now. Nothing is paid twice; look again before you give anything.",
    again: "Try again",
    loading: "Reading the ticket and its order",
  },
  ar: {
    unreachable: "تعذّر الوصول إلى Amends الآن. لن يُدفع أي شيء مرتين؛ أعد النظر قبل أن تمنح شيئًا.",
    again: "أعد المحاولة",
    loading: "تجري قراءة التذكرة وطلبها",
  },
  fa: {
    unreachable: "الان به Amends دسترسی نیست. هیچ مبلغی دو بار پرداخت نمی‌شود؛ پیش از دادن هر چیزی دوباره نگاه کنید.",
    again: "دوباره امتحان کنید",
    loading: "در حال خواندن تیکت و سفارش آن",
  },
};

const SKELETON = "<h1 class=\"unseen\">Amends</h1><div class=\"skeleton\" aria-hidden=\"true\"><i></i><i></i><i></i><b></b><i></i><i></i><u></u></div>";

// Before htmx begins: nothing is evaluated, no style is written into the page, errors are shown.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  attributesToSettle: [], // a style that is copied from one element to the next is an inline one
  historyCacheSize: 0,
  historyEnabled: false,
  includeIndicatorStyles: false,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "4(01|03|04|09|13|22)", swap: true },
    { code: "50[03]", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});

export function start(host) {
  const language = (host.locale || "en").toLowerCase().split(/[-_]/)[0];
  const words = WORDS[language] || WORDS.en;
  const panel = prepared(host, WORDS[language] ? language : "en");
  const address = host.address || "";
  const origin = new URL(address || "/", location.href).origin;
  const base = `/sidebar/tickets/${encodeURIComponent(host.ticketId)}`;
  // Where our pages come from another address than this page, htmx must not insist on one.
  htmx.config.selfRequestsOnly = origin === location.origin;

  document.body.addEventListener("htmx:configRequest", (event) => {
    const asked = event.detail;
    if (!asked.path.startsWith("/sidebar/tickets/")) {
      event.preventDefault();
      return;
    }
    asked.path = address + asked.path;
    asked.headers.Authorization = `Bearer ${host.token}`;
    asked.headers["Accept-Language"] = host.locale || "en";
  });
  document.body.addEventListener("htmx:validateUrl", (event) => {
    const { origin: asked, pathname } = event.detail.url;
    if (asked !== origin || !pathname.startsWith(`${base}`)) event.preventDefault();
  });

  follow(panel, host, words, base);
  keepWords(panel);
  keepOpened(panel);
  load(panel, base, words);
  if (host.onTicketChanged) host.onTicketChanged(() => changed(panel, base, words));
  if (host.onSave) host.onSave((status) => maySave(host, address + base, status || "solved"));
}

/* The page takes on the helpdesk's look and the agent's language. */
function prepared(host, language) {
  const root = document.documentElement;
  root.lang = language;
  root.dir = language === "en" ? "ltr" : "rtl";
  root.dataset.skin = host.name;
  if (host.theme === "light" || host.theme === "dark") root.dataset.theme = host.theme;
  let panel = document.getElementById("amends");
  if (!panel) {
    panel = document.createElement("main");
    panel.id = "amends";
    document.body.append(panel);
  }
  panel.className = "sidebar";
  const said = document.createElement("p");
  said.id = "amends-said";
  said.className = "unseen";
  said.setAttribute("role", "status");
  panel.after(said);
  if (host.resize) {
    let before = 0;
    new ResizeObserver(() => {
      const height = Math.ceil(panel.getBoundingClientRect().height);
      if (height !== before) host.resize((before = height));
    }).observe(panel);
  }
  return panel;
}

function load(panel, base, words) {
  panel.innerHTML = SKELETON;
  panel.setAttribute("aria-busy", "true");
  document.getElementById("amends-said").textContent = words.loading;
  look(panel, base);
}

function look(panel, base) {
  const seen = htmx.ajax("GET", base, { source: panel, target: panel, swap: "innerHTML" });
  seen.catch(() => {}); // `follow` tells it
}

/* Another status, another tag: what is shown may be old. Words that are being written are kept, and
   what is under way tells of itself; whatever is given is compared with what was shown anyhow. */
function changed(panel, base, words) {
  const letter = panel.querySelector("#letter");
  const busy = panel.querySelector("#now[data-phase=busy]");
  if (busy || (letter && letter.value !== letter.defaultValue)) return;
  if (panel.querySelector("#panel")) look(panel, base);
  else load(panel, base, words);
}

/* What happens on the panel besides swapping: what is new is said, the focus stays where it makes
   sense, and an answer that never came is told. */
function follow(panel, host, words, base) {
  const said = document.getElementById("amends-said");
  let held = null; // had the focus when a request began: a button that is disabled loses it
  let focused = null; // had it, and is about to be replaced
  let told = "";
  const active = () => (panel.contains(document.activeElement) ? document.activeElement : null);
  document.body.addEventListener("htmx:beforeRequest", () => {
    held = active() || held;
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const had = active() || (document.activeElement === document.body ? held : null);
    const target = event.detail.target;
    focused = event.detail.shouldSwap && had && target.contains(had) ? had : null;
  });
  document.body.addEventListener("htmx:afterRequest", () => {
    if (held && held.isConnected && document.activeElement === document.body) held.focus();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    panel.removeAttribute("aria-busy");
    for (const slider of panel.querySelectorAll("input[type=range]")) {
      const amounts = panel.querySelectorAll("#sum .amount");
      const amount = amounts[Number(slider.id.slice(5))] || amounts[0];
      if (amount) slider.setAttribute("aria-valuetext", amount.textContent);
    }
    const now = panel.querySelector("#now");
    const words_now = now ? now.dataset.say : "";
    if (words_now !== told || said.textContent === words.loading) {
      told = words_now;
      said.textContent = words_now;
    }
    if (focused && !focused.isConnected && document.activeElement === document.body) {
      const same = focused.id && document.getElementById(focused.id);
      const next = same || panel.querySelector("[role=alert], [data-focus], #sum");
      if (next) {
        if (!same) next.tabIndex = -1;
        next.focus();
      }
    }
    if (focused) held = focused = null;
  });
  for (const lost of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(lost, (event) => {
      const asked = event.detail.requestConfig;
      // A look that failed is taken again by itself; a click, or the first look, is not.
      if (asked && asked.path.includes("/live")) return;
      if (panel.querySelector("#panel") && host.notify) host.notify(words.unreachable, "error");
      else sorry(panel, words, base);
    });
  }
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reply]");
    const draft = button && document.getElementById(button.dataset.reply);
    if (draft && host.appendReply) host.appendReply(draft.textContent);
  });
}

/* Words that an agent writes while an answer is under way are not lost to that answer. */
function keepWords(panel) {
  const sent = new WeakMap();
  const letter = () => panel.querySelector("#letter");
  let kept = null;
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (letter()) sent.set(event.detail.xhr, letter().value);
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const before = sent.get(event.detail.xhr);
    kept = letter() && before !== undefined && letter().value !== before ? letter().value : null;
  });
  for (const done of ["htmx:oobAfterSwap", "htmx:afterSwap"]) {
    document.body.addEventListener(done, () => {
      if (kept !== null && letter() && letter().value !== kept) letter().value = kept;
    });
  }
}

/* What an agent has opened, and a note that is being written in it, outlive a refresh of what is
   around them. An id says what a thing is about (its task, its payout), so no note moves to another. */
function keepOpened(panel) {
  let opened = [];
  let notes = [];
  document.body.addEventListener("htmx:beforeSwap", () => {
    opened = [...panel.querySelectorAll("details[id][open]")].map((one) => one.id);
    notes = [...panel.querySelectorAll("textarea[id][name=note]")].filter((one) => one.value);
  });
  for (const done of ["htmx:oobAfterSwap", "htmx:afterSwap"]) {
    document.body.addEventListener(done, () => {
      for (const id of opened) {
        const again = document.getElementById(id);
        if (again) again.open = true;
      }
      for (const { id, value } of notes) {
        const again = document.getElementById(id);
        if (again && !again.value) again.value = value;
      }
    });
  }
}

function sorry(panel, words, base) {
  const box = document.createElement("section");
  box.className = "none";
  box.setAttribute("role", "alert");
  const text = document.createElement("h2");
  text.textContent = words.unreachable;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "secondary";
  again.textContent = words.again;
  again.addEventListener("click", () => load(panel, base, words));
  box.append(text, again);
  panel.replaceChildren(box);
  panel.removeAttribute("aria-busy");
}

/* Before an agent solves the ticket: null, or why it should wait. Where Amends cannot be asked the
   helpdesk goes on: nothing is given by saving. */
async function maySave(host, at, status) {
  try {
    const answer = await fetch(`${at}/may-save?status=${encodeURIComponent(status)}`, {
      headers: { Authorization: `Bearer ${host.token}`, "Accept-Language": host.locale || "en" },
    });
    return answer.status === 200 ? await answer.text() : null;
  } catch {
    return null;
  }
}
