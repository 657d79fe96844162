// What an app loads to talk to the helpdesk around it, as far as apps beside a ticket need it: it
// defines `app.initialized()`, which gives the client. How the real library speaks to its host is not
// published; between this one and page/apps.js messages go to the exact origin, and are believed
// only from there.
(() => {
  "use strict";

  const HOST = new URLSearchParams(location.search).get("host") || "";
  const TRUSTED = /^https?:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/;
  if (!TRUSTED.test(HOST) || window.parent === window) {
    // Outside of a ticket it never begins, as the real one.
    window.app = { initialized: () => new Promise(() => {}) };
    return;
  }

  const asked = new Map();
  const handlers = new Map();
  let count = 0;
  let begun;
  const registered = new Promise((resolve) => { begun = resolve; });

  const send = (message) => window.parent.postMessage(message, HOST);

  function ask(what, ...given) {
    count += 1;
    const id = count;
    const answer = new Promise((resolve, reject) => asked.set(id, { resolve, reject }));
    send({ ask: what, given, id });
    return answer;
  }

  function settled({ id, result, refusal }) {
    const waiting = asked.get(id);
    asked.delete(id);
    if (!waiting) return;
    if (refusal === undefined) waiting.resolve(result);
    else waiting.reject(refusal);
  }

  // Of the handlers of an event those that intercept it are asked, one after another.
  async function happened({ event, data, number, intercepts }) {
    for (const { callback, intercept } of handlers.get(event) || []) {
      if (intercept !== intercepts) continue;
      const said = new Promise((resolve) => {
        const helper = {
          getData: () => data,
          done: () => resolve(null),
          fail: (why) => resolve(String(why || "")),
        };
        callback({ type: event, helper });
      });
      if (!intercepts) continue;
      const why = await said;
      if (why !== null) {
        send({ answers: number, why });
        return;
      }
    }
    if (intercepts) send({ answers: number, why: null });
  }

  const client = {
    data: { get: (name) => ask("data", name) },
    request: { invokeTemplate: (name, options) => ask("template", name, options || {}) },
    interface: { trigger: (name, options) => ask("interface", name, options || {}) },
    instance: { resize: (size) => ask("resize", size), context: () => ask("context") },
    iparams: { get: (name) => ask("iparams", name) },
    events: {
      on(event, callback, { intercept = false } = {}) {
        if (!handlers.has(event)) handlers.set(event, []);
        handlers.get(event).push({ callback, intercept });
        send({ listens: event, intercept });
      },
    },
  };

  window.addEventListener("message", ({ origin, source, data }) => {
    if (origin !== HOST || source !== window.parent || !data || typeof data !== "object") return;
    if (data.begun) begun(client);
    else if (data.event) happened(data);
    else settled(data);
  });

  window.app = {
    initialized() {
      send({ hello: true });
      return registered;
    },
  };
})();
