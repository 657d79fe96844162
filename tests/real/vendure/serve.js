'use strict';
/**
 * `node serve.js`: a real Vendure in memory on a free port of 127.0.0.1. The first line on standard
 * output is its address. A line of JSON on standard input, {"url", "secret"},
 * says whom to tell of refunds; the end of standard input ends the shop.
 */
const { createInterface } = require('node:readline');
const { createHash } = require('node:crypto');
const { bootstrap, dummyPaymentHandler, DefaultLogger, LogLevel, RandomBytesApiKeyStrategy } =
  require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const { AmendsPlugin } = require(process.env.AMENDS_PLUGIN);

const PASSWORD = process.env.VENDURE_PASSWORD;
const LIMIT = 100_000_000;

const sha256 = text => createHash('sha256').update(text).digest('hex');

/** A key that the tests know beforehand, and a hash that does not take a third of a second. */
class KnownKey extends RandomBytesApiKeyStrategy {
  hashingStrategy = {
    hash: async text => sha256(text),
    check: async (text, hash) => sha256(text) === hash,
  };
  generateLookupId = async () => process.env.VENDURE_API_KEY.split(':')[0];
  generateSecret = async () => process.env.VENDURE_API_KEY.split(':')[1];
}

const config = {
  apiOptions: { port: 0, hostname: '127.0.0.1', cors: false },
  authOptions: {
    tokenMethod: ['bearer', 'api-key'],
    superadminCredentials: { identifier: 'superadmin', password: PASSWORD },
    requireVerification: false,
    adminApiKeyStrategy: new KnownKey(),
  },
  dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false, logging: false },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  orderOptions: { orderItemsLimit: LIMIT, orderLineItemsLimit: LIMIT },
  logger: new DefaultLogger({ level: LogLevel.Error }),
  plugins: [AmendsPlugin],
};

const initialData = {
  defaultLanguage: 'en',
  defaultZone: 'Europe',
  countries: [{ name: 'Ireland', code: 'IE', zone: 'Europe' }],
  taxRates: [{ name: 'None', percentage: 0 }],
  shippingMethods: [{ name: 'Post', price: 0 }],
  paymentMethods: [
    {
      name: 'by-hand',
      handler: { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'true' }] },
    },
  ],
  collections: [],
  roles: [],
};

async function main() {
  const app = await populate(() => bootstrap(config), initialData);
  // Else a machine that stands still for five seconds finds its connection cut as it goes on.
  app.getHttpServer().keepAliveTimeout = 600_000;
  process.stdout.write(`http://127.0.0.1:${app.getHttpServer().address().port}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', line => AmendsPlugin.init(JSON.parse(line)));
  lines.on('close', () => process.exit(0));
}

main().catch(error => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
