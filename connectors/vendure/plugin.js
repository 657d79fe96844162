'use strict';
/**
 * A Vendure plugin that tells Amends about refunds, for `plugins` of a shop's vendure-config:
 *
 *     AmendsPlugin.init({ url: process.env.AMENDS_URL, secret: process.env.AMENDS_SECRET })
 *
 * Both are shown by `amends connector test`. What it sends is a hint: Amends asks the Admin API
 * before it believes anything, and its sweep finds what was sent while nobody listened.
 */
const { createHmac } = require('node:crypto');
const { EventBus, Logger, PluginCommonModule, RefundEvent, RefundStateTransitionEvent, VendurePlugin } =
  require('@vendure/core');

class AmendsPlugin {
  static options = {};

  static init(options) {
    AmendsPlugin.options = options;
    return AmendsPlugin;
  }

  constructor(eventBus) {
    this.eventBus = eventBus;
  }

  onApplicationBootstrap() {
    this.eventBus.ofType(RefundEvent).subscribe(({ order, refund }) => this.tell(order, refund));
    this.eventBus
      .ofType(RefundStateTransitionEvent)
      .subscribe(({ order, refund }) => this.tell(order, refund));
  }

  async tell(order, refund) {
    const { url, secret } = AmendsPlugin.options;
    if (!url || !secret) return;
    const now = new Date();
    const body = JSON.stringify({
      v: 1,
      type: 'refund',
      at: now.toISOString(),
      order: String(order.id),
      refund: { id: String(refund.id), state: refund.state, reason: refund.reason ?? null },
    });
    const seconds = String(Math.floor(now.getTime() / 1000));
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'x-amends-timestamp': seconds,
      'x-amends-signature': signature,
    };
    try {
      await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(5000) });
    } catch (error) {
      Logger.warn(`Amends was not told of refund ${refund.id}: ${error.message}`, 'AmendsPlugin');
    }
  }
}

// What decorators would say in TypeScript.
VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(AmendsPlugin);
Reflect.defineMetadata('design:paramtypes', [EventBus], AmendsPlugin);

module.exports = { AmendsPlugin };
