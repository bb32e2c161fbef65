// The contract as the peer sees it: messages of proto/sales/v1 through protobufjs, and validators
// made once from the buf.validate options, so that both servers refuse the same requests.
'use strict';
const path = require('path');
const protobuf = require('protobufjs');

const PROTO = path.join(__dirname, '../../../../proto');
const root = new protobuf.Root();
root.resolvePath = (_, target) =>
    target === 'google/protobuf/descriptor.proto'
        ? require.resolve('protobufjs/google/protobuf/descriptor.proto')
        : path.join(PROTO, target);
root.loadSync('sales/v1/sales_agent.proto', {keepCase: true}).resolveAll();

const EMAIL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

function characters(s) {
  let n = 0;
  for (const _ of s) n++;
  return n;
}

// One check per rule: (limit) -> (value) -> is it acceptable?
const RULES = {
  string: {
    min_len: n => v => v.length >= n && characters(v) >= n,
    max_len: n => v => v.length <= n || characters(v) <= n,
    email: () => v => EMAIL.test(v),
    uuid: () => v => UUID.test(v),
    pattern: p => { const r = new RegExp(p, 'u'); return v => r.test(v); },
  },
  bytes: {max_len: n => v => v.length <= n},
  enum: {defined_only: (_, field) => v => v in field.resolvedType.valuesById},
  number: {gt: n => v => v > n, gte: n => v => v >= n, lt: n => v => v < n, lte: n => v => v <= n,
    finite: () => v => Number.isFinite(v)},
};

function scalarChecks(options, field) {
  const checks = [];
  for (const [kind, rules] of Object.entries(options || {})) {
    const table = RULES[kind] || (/^(u|s)?int(32|64)$|^(double|float)$/.test(kind) ? RULES.number : null);
    if (!table || typeof rules !== 'object') continue;
    for (const [rule, limit] of Object.entries(rules)) {
      if (!table[rule]) throw new Error(`no rule ${kind}.${rule} for ${field.fullName}`);
      const ok = table[rule](limit, field);
      checks.push((v, at, out) => { if (!ok(v)) out.push({field: at, description: `breaks ${kind}.${rule}`}); });
    }
  }
  return checks;
}

function fieldCheck(field) {
  const options = (field.parsedOptions || []).map(o => o['(buf.validate.field)']).find(Boolean) || {};
  const nested = field.resolvedType instanceof protobuf.Type ? lazyValidator(field.resolvedType) : null;
  const inner = nested ? [nested] : [];
  const run = (checks, v, at, out) => { for (const c of checks) c(v, at, out); };
  if (field.map) {
    const keys = scalarChecks((options.map || {}).keys, field);
    const max = (options.map || {}).max_pairs;
    return (v, at, out) => {
      const entries = Object.entries(v || {});
      if (max !== undefined && entries.length > max) out.push({field: at, description: 'too many pairs'});
      for (const [k, item] of entries) { run(keys, k, `${at}[${k}]`, out); run(inner, item, `${at}[${k}]`, out); }
    };
  }
  if (field.repeated) {
    const r = options.repeated || {};
    const items = scalarChecks(r.items, field).concat(inner);
    return (v, at, out) => {
      const n = v ? v.length : 0;
      if (r.max_items !== undefined && n > r.max_items) out.push({field: at, description: 'too many items'});
      if (r.min_items !== undefined && n < r.min_items) out.push({field: at, description: 'too few items'});
      if (r.unique && new Set(v).size !== n) out.push({field: at, description: 'items repeat'});
      for (let i = 0; i < n; i++) run(items, v[i], `${at}[${i}]`, out);
    };
  }
  const checks = scalarChecks(options, field).concat(inner);
  const skipZero = options.ignore === 'IGNORE_IF_ZERO_VALUE';
  return (v, at, out) => {
    const unset = v === null || v === undefined || (skipZero && (v === '' || v === 0));
    if (unset || (options.required && v === '')) {
      if (options.required) out.push({field: at, description: 'is required'});
      return;
    }
    run(checks, v, at, out);
  };
}

const validators = new Map();

function lazyValidator(type) {
  return (v, at, out) => validatorOf(type)(v, at, out);
}

function validatorOf(type) {
  let v = validators.get(type);
  if (v) return v;
  const fields = type.fieldsArray.map(f => [f.name, fieldCheck(f)]);
  v = (message, at, out) => {
    for (const [name, check] of fields) {
      // protobufjs keeps defaults on the prototype: only what came is its own.
      const value = Object.prototype.hasOwnProperty.call(message, name) ? message[name] : undefined;
      check(value, at ? `${at}.${name}` : name, out);
    }
  };
  validators.set(type, v);
  return v;
}

const type = name => root.lookupType(`sales.v1.${name}`);

// The violations of a message, [] when there is none.
function violations(t, message) {
  const out = [];
  validatorOf(t)(message, '', out);
  return out;
}

// The grpc-js definition of some methods of SalesAgent, with protobufjs on both ends and no detour
// over plain objects.
function serviceOf(methods) {
  const service = root.lookupService('sales.v1.SalesAgent');
  return Object.fromEntries(methods.map(name => {
    const m = service.methods[name];
    const [request, response] = [m.resolvedRequestType, m.resolvedResponseType];
    return [name, {
      path: `/sales.v1.SalesAgent/${name}`,
      requestStream: !!m.requestStream, responseStream: !!m.responseStream,
      requestSerialize: v => request.encode(v).finish(), requestDeserialize: b => request.decode(b),
      responseSerialize: v => response.encode(v).finish(), responseDeserialize: b => response.decode(b),
    }];
  }));
}

module.exports = {root, type, violations, serviceOf, UUID};
