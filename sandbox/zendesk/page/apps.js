// The helpdesk's end of the messages: one App for each frame.

const PATIENCE_MS = 30_000;

class App {
  constructor(frame, host) {
    this.frame = frame;
    this.host = host;
    this.origin = frame.dataset.origin;
    this.subscribed = new Map();
    this.hooks = new Map();
  }

  send(message) {
    this.frame.contentWindow.postMessage(JSON.stringify(message), this.origin);
  }

  tell(name, message) {
    if (this.subscribed.get(name)) this.send({ key: `zaf.${name}`, message });
  }

  hear(data) {
    if (data.request) this.answer(data);
    else if (data.key === "iframe.handshake") this.register();
    else if (data.key?.startsWith("iframe.on:")) this.count(data, "iframe.on:");
    else if (data.key?.startsWith("iframe.off:")) this.count(data, "iframe.off:");
    else if (data.key?.startsWith("iframe.reply:")) this.replied(data);
    else if (data.key?.startsWith("request:")) this.pass(data);
  }

  register() {
    const { context } = this.host;
    const guid = this.frame.name;
    const metadata = { appId: Number(guid.split("-")[0]), installationId: Number(guid.split("-")[1]), settings: {} };
    this.subscribed.clear();
    this.send({ key: "zaf.app.registered", message: { metadata, context: { ...context, instanceGuid: guid } } });
  }

  count({ key, message }, prefix) {
    this.subscribed.set(key.slice(prefix.length), message?.subscriberCount ?? 0);
  }

  async answer({ id, request, params }) {
    const result = { errors: {} };
    const names = Array.isArray(params) ? params : Object.keys(params ?? {});
    for (const name of names) {
      try {
        if (request === "get") result[name] = this.host.get(name);
        else if (request === "set") result[name] = await this.host.set(name, params[name]);
        else result[name] = (await this.host.invoke(this.frame, name, params[name])) ?? null;
      } catch (error) {
        result.errors[name] = { name: error.name ?? "Error", message: error.message ?? "refused" };
      }
    }
    this.send({ id, result });
  }

  async pass({ key, message }) {
    try {
      this.send({ key: `zaf.${key}.done`, message: { responseArgs: [await this.host.request(message)] } });
    } catch (refusal) {
      this.send({ key: `zaf.${key}.fail`, message: { responseArgs: [refusal] } });
    }
  }

  // null: go on. A text: why not.
  async mayGoOn(name) {
    if (!this.subscribed.get(name)) return null;
    const said = new Promise((resolve) => this.hooks.set(name, resolve));
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));
    this.send({ key: `zaf.${name}`, needsReply: true });
    return Promise.race([said, late]);
  }

  replied({ key, error }) {
    const name = key.slice("iframe.reply:".length);
    this.hooks.get(name)?.(error ? String(error.msg || "") : null);
    this.hooks.delete(name);
  }
}

export class Apps {
  constructor(frames, host) {
    this.all = [...frames].map((frame) => new App(frame, host));
    window.addEventListener("message", (event) => this.hear(event));
  }

  // Each app's page is asked for by a signed post into its frame.
  open() {
    for (const { frame } of this.all) frame.parentElement.querySelector("form").submit();
  }

  hear(event) {
    const app = this.all.find((one) => one.frame.contentWindow === event.source);
    if (!app || event.origin !== app.origin) return;
    let data = event.data;
    if (typeof data === "string") {
      try { data = JSON.parse(data); } catch { return; }
    }
    if (data && typeof data === "object") app.hear(data);
  }

  tell(name, message) {
    for (const app of this.all) app.tell(name, message);
  }

  async mayGoOn(name) {
    for (const app of this.all) {
      const no = await app.mayGoOn(name);
      if (no !== null) return no;
    }
    return null;
  }
}
