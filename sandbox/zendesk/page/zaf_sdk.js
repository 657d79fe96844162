// What an app loads to talk to the helpdesk around it, as far as apps of one ticket need it. Messages
// go as JSON text to the origin named in the app's own address, and are believed only from there.
(() => {
  "use strict";

  const TRUSTED = [/^https?:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/, /^https:\/\/[a-z0-9-]+\.zendesk\.com$/];
  const PATIENCE_MS = 5 * 60 * 1000;

  const named = (error) => Object.assign(new Error(error.message), { name: error.name });

  class Client {
    constructor(origin, appGuid) {
      this.origin = origin;
      this.appGuid = appGuid;
      this.instanceGuid = appGuid;
      this.handlers = new Map();
      this.asked = new Map();
      this.waiting = [];
      this.ready = false;
      this.count = { promise: 0, request: 0 };
      this.registered = new Promise((resolve) => this.on("app.registered", resolve));
      this.on("context.updated", (context) => { this.known = context; });
      window.addEventListener("message", (event) => this.hear(event));
      this.send({ key: "iframe.handshake", message: { version: "sandbox" } }, true);
    }

    send(message, atOnce = false) {
      if (!this.ready && !atOnce) {
        this.waiting.push(message);
        return;
      }
      const whole = { ...message, appGuid: this.appGuid, instanceGuid: this.instanceGuid };
      window.parent.postMessage(JSON.stringify(whole), this.origin);
    }

    hear(event) {
      if (event.origin !== this.origin || event.source !== window.parent) return;
      let data = event.data;
      if (typeof data === "string") {
        try { data = JSON.parse(data); } catch { return; }
      }
      if (!data || typeof data !== "object") return;
      if (this.asked.has(data.id)) this.settle(data);
      else if (typeof data.key === "string" && data.key.startsWith("zaf.")) this.happened(data);
    }

    settle({ id, error, result }) {
      const { resolve, reject } = this.asked.get(id);
      this.asked.delete(id);
      if (error) reject(named(error));
      else resolve(result);
    }

    happened({ key, message, needsReply }) {
      const name = key.slice("zaf.".length);
      if (name === "app.registered") {
        this.ready = true;
        this.known = message.context;
        this.meta = message.metadata;
      }
      if (needsReply) this.reply(name);
      else for (const handler of this.handlers.get(name) ?? []) handler(message);
      if (name === "app.registered") this.waiting.splice(0).forEach((one) => this.send(one));
    }

    // A hook says no at once by false, a text or an Error; one that takes its time says no only by
    // rejecting: what its promise resolves to is not looked at.
    async reply(name) {
      const answer = { key: `iframe.reply:${name}`, appGuid: this.appGuid };
      const asked = (this.handlers.get(name) ?? []).map(async (handler) => {
        const said = handler();
        if (said === false || typeof said === "string" || said instanceof Error) throw said;
        await said;
      });
      try {
        await Promise.all(asked);
      } catch (reason) {
        answer.error = { msg: reason instanceof Error ? reason.message : reason };
      }
      window.parent.postMessage(answer, this.origin);
    }

    ask(request, params) {
      const id = ++this.count.promise;
      return new Promise((resolve, reject) => {
        this.asked.set(id, { resolve, reject });
        setTimeout(() => {
          if (this.asked.delete(id)) reject(new Error("Invocation request timeout"));
        }, PATIENCE_MS);
        this.send({ id, request, params });
      });
    }

    on(name, handler) {
      const all = this.handlers.get(name) ?? [];
      this.handlers.set(name, [...all, handler]);
      if (name !== "app.registered") {
        this.send({ key: `iframe.on:${name}`, message: { subscriberCount: all.length + 1 } });
      }
    }

    off(name, handler) {
      const left = (this.handlers.get(name) ?? []).filter((one) => one !== handler);
      this.handlers.set(name, left);
      this.send({ key: `iframe.off:${name}`, message: { subscriberCount: left.length } });
    }

    has(name, handler) { return (this.handlers.get(name) ?? []).includes(handler); }

    trigger(name, data) { this.send({ key: `iframe.trigger:${name}`, message: data }); }

    async context() { return this.known ?? (await this.registered).context; }

    async metadata() { return this.meta ?? (await this.registered).metadata; }

    async get(paths) { return one(paths, await this.ask("get", [].concat(paths))); }

    async set(name, value) {
      const wanted = typeof name === "string" ? { [name]: value } : name;
      return one(name, await this.ask("set", wanted));
    }

    async invoke(name, ...given) {
      const wanted = typeof name === "string" ? { [name]: given } : name;
      return one(name, await this.ask("invoke", wanted));
    }

    request(options) {
      const key = `request:${++this.count.request}`;
      return new Promise((resolve, reject) => {
        const done = (message) => { forget(); resolve(...message.responseArgs); };
        const fail = (message) => { forget(); reject(...message.responseArgs); };
        const forget = () => { this.off(`${key}.done`, done); this.off(`${key}.fail`, fail); };
        this.on(`${key}.done`, done);
        this.on(`${key}.fail`, fail);
        this.send({ key, message: typeof options === "string" ? { url: options } : options });
      });
    }
  }

  // A single path that went wrong rejects; in a list, each error stands beside what went well.
  function one(asked, result) {
    const wrong = typeof asked === "string" ? result?.errors?.[asked] : undefined;
    if (wrong) throw named(wrong);
    return result;
  }

  window.ZAFClient = {
    init(callback, place = window.location) {
      const find = (name) => {
        for (const part of [place.search, place.hash]) {
          const value = new URLSearchParams(part.replace(/^[?#]/, "")).get(name);
          if (value) return value;
        }
        return null;
      };
      const origin = find("origin");
      const appGuid = find("app_guid");
      if (!origin || !appGuid) return false;
      if (!TRUSTED.some((form) => form.test(origin))) {
        document.body.replaceChildren(`Invalid domain ${origin}`);
        return false;
      }
      const client = new Client(origin, appGuid);
      if (callback) client.on("app.registered", callback);
      return client;
    },
  };
})();
