// The helpdesk's end of the messages: one App for each frame.

const PATIENCE_MS = 20_000;

class App {
  constructor(frame, host, origin) {
    this.frame = frame;
    this.host = host;
    this.origin = origin;
    this.listens = { true: new Set(), false: new Set() };
    this.waiting = new Map();
    this.count = 0;
  }

  open() {
    const here = encodeURIComponent(location.origin);
    this.frame.src = `${this.origin}/_app/${this.frame.dataset.app}/index.html?host=${here}`;
  }

  send(message) {
    this.frame.contentWindow.postMessage(message, this.origin);
  }

  hear(data) {
    if (data.hello) {
      this.send({ begun: true });
    } else if (typeof data.listens === "string") {
      this.listens[data.intercept === true].add(data.listens);
    } else if (data.answers) {
      this.waiting.get(data.answers)?.(data.why);
      this.waiting.delete(data.answers);
    } else if (typeof data.ask === "string") {
      this.answer(data);
    }
  }

  async answer({ ask, given, id }) {
    try {
      const does = Object.hasOwn(this.host, ask) ? this.host[ask] : null;
      if (!does) throw { message: `${ask} is not supported` };
      this.send({ id, result: (await does(this.frame, ...given)) ?? null });
    } catch (refusal) {
      this.send({ id, refusal: refusal instanceof Error ? { message: refusal.message } : refusal });
    }
  }

  tell(event, data) {
    if (this.listens.false.has(event)) this.send({ event, data, intercepts: false });
  }

  // null: go on. A text: why not.
  mayGoOn(event, data) {
    if (!this.listens.true.has(event)) return null;
    this.count += 1;
    const number = this.count;
    const said = new Promise((resolve) => this.waiting.set(number, resolve));
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));
    this.send({ event, data, number, intercepts: true });
    return Promise.race([said, late]);
  }
}

export class Apps {
  constructor(frames, host, origin) {
    this.all = [...frames].map((frame) => new App(frame, host, origin));
    window.addEventListener("message", (event) => this.hear(event));
  }

  open() {
    for (const app of this.all) app.open();
  }

  hear({ source, origin, data }) {
    const app = this.all.find((one) => one.frame.contentWindow === source);
    if (app && origin === app.origin && data && typeof data === "object") app.hear(data);
  }

  tell(event, data) {
    for (const app of this.all) app.tell(event, data);
  }

  // An event that apps may intercept; whoever only listens is told as well.
  async mayGoOn(event, data) {
    this.tell(event, data);
    for (const app of this.all) {
      const no = await app.mayGoOn(event, data);
      if (no !== null) return no;
    }
    return null;
  }
}
