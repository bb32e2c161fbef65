// parity.mjs JUDGE DESCRIPTOR_SET [MESSAGES_PER_TYPE] [SEED]
//
// The same random messages through our validation and through @bufbuild/protovalidate: rule ids and
// field paths must agree, for every request of every service and for the type that has each rule.
// Messages are made from the rules: values lie on their edges, one step beyond, and elsewhere.
// Prints what disagreed and the seed; exits 1 when something did. Times stay in the years 1 to 9999: outside of
// them our rules are stricter, on purpose (see RULE_TIMESTAMP).
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import {
  create, createFileRegistry, fromBinary, getOption, hasOption, ScalarType, toBinary,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";

const [judge, descriptors, perTypeText = "150", seedText = "1"] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const fieldRules = registry.getExtension("buf.validate.field");
const validator = createValidator({ registry });
const DEPTH_MAX = 6; // of the messages made; deeper ones are the wire tests' matter
const PACKAGES = ["sales.v1.", "test.rules."];


// --- chance, repeatable -------------------------------------------------------------------------
let state = Number(seedText) >>> 0;
const random = () => { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const chance = (p) => random() < p;

// --- values -------------------------------------------------------------------------------------
const TEXTS = [
  "", "a", "ab", "yes", "abc", "A", "USD", "usd", "DE", "d1", "demo", "2026-02-28", "2026-13-99", "x y", " ", "ä", "äöü",
  "Ж漢字", "a\u0301", "🎈", "a.b@example.com", "a@b", "@", "a b@example.org", "no-reply@ex_ample.org", "example.com", "-x.com",
  "EXAMPLE", "a..b", "1.2.3.4", "1.2.3.256", "::1", "fe80::1%eth0", "[::1]:80", "host:65536", "host:80", "https://a.example/b?c#d",
  "https://a b/", "mailto:x@y", "/ref?q", "//x", "%zz", "0190163d-8694-739b-aea5-966c26f8ad90",
  "0190163D-8694-739B-AEA5-966C26F8AD90", "0190163d8694739baea5966c26f8ad90", "0190163d-8694-739b-aea5-966c26f8ad9",
  "01ARZ3NDEKTSV4RRFFQ69G5FAV", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "abmidyz", "bad", "sales.lead.*", "a\nb", "+49 30 901820",
];
const CHARACTERS = ["a", "Z", "7", "ä", "漢", "🎈", "_"];
const SCALARS = { // name of the member of FieldRules, the edges that the type itself has
  [ScalarType.INT32]: ["int32", -(2n ** 31n), 2n ** 31n - 1n], [ScalarType.SINT32]: ["sint32", -(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SFIXED32]: ["sfixed32", -(2n ** 31n), 2n ** 31n - 1n], [ScalarType.UINT32]: ["uint32", 0n, 2n ** 32n - 1n],
  [ScalarType.FIXED32]: ["fixed32", 0n, 2n ** 32n - 1n], [ScalarType.INT64]: ["int64", -(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.SINT64]: ["sint64", -(2n ** 63n), 2n ** 63n - 1n], [ScalarType.SFIXED64]: ["sfixed64", -(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.UINT64]: ["uint64", 0n, 2n ** 64n - 1n], [ScalarType.FIXED64]: ["fixed64", 0n, 2n ** 64n - 1n],
  [ScalarType.FLOAT]: ["float"], [ScalarType.DOUBLE]: ["double"],
};
const WIDE = new Set([ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64, ScalarType.UINT64, ScalarType.FIXED64]);

// Every number that the rules of a field mention.
function edges(rules) {
  const found = [];
  const walk = (m) => {
    if (typeof m === "number" || typeof m === "bigint") found.push(m);
    else if (Array.isArray(m)) m.forEach(walk);
    else if (m && typeof m === "object" && !(m instanceof Uint8Array))
      for (const [key, value] of Object.entries(m)) if (!key.startsWith("$")) walk(value);
  };
  walk(rules);
  return found;
}

function text(rules) {
  const lengths = edges(rules?.type?.value).map(Number).filter((n) => n <= 5000);
  if (lengths.length && chance(0.4)) return pick(CHARACTERS).repeat(Math.max(0, pick(lengths) + below(3) - 1));
  return pick(TEXTS);
}

function integer(scalar, rules) {
  const [, least, most] = SCALARS[scalar];
  const near = edges(rules?.type?.value).map((n) => BigInt(n) + BigInt(below(3) - 1));
  let n = near.length && chance(0.7) ? pick(near) : pick([0n, 1n, -1n, 2n, 7n, 100n, least, most]);
  n = n < least ? least : n > most ? most : n;
  return WIDE.has(scalar) ? n : Number(n);
}

function real(scalar, rules) {
  const near = edges(rules?.type?.value).map((n) => Number(n) + pick([-1, 0, 1, 1e-9]));
  const n = near.length && chance(0.6) ? pick(near) : pick([0, -0, 0.25, 1, -1, 1e30, NaN, Infinity, -Infinity]);
  return scalar === ScalarType.FLOAT ? Math.fround(n) : n;
}

function scalarValue(scalar, rules) {
  if (scalar === ScalarType.STRING) return text(rules);
  if (scalar === ScalarType.BYTES) return new TextEncoder().encode(text(rules));
  if (scalar === ScalarType.BOOL) return chance(0.5);
  if (scalar === ScalarType.FLOAT || scalar === ScalarType.DOUBLE) return real(scalar, rules);
  return integer(scalar, rules);
}

function enumValue(desc) {
  return chance(0.85) ? pick(desc.values).number : pick([-1, 2, 99, 2 ** 31 - 1]);
}

// --- messages -----------------------------------------------------------------------------------
const rulesOf = (field) => (hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined);

function clockValue(desc, rules) { // Timestamp or Duration, never within the hour around now
  const r = reflect(desc);
  const now = Math.floor(Date.now() / 1000);
  const near = edges(rules?.type?.value).filter((n) => typeof n === "bigint").map((n) => n + BigInt(below(3) - 1));
  const seconds = near.length && chance(0.7) ? pick(near)
    : desc.typeName.endsWith("Duration") ? BigInt(pick([0, 1, 5, 60, 86400, -5]))
      : BigInt(pick([0, 1500, now - 3700, now + 3700, 4102444800]));
  r.set(desc.field.seconds, seconds);
  if (chance(0.3)) r.set(desc.field.nanos, seconds < 0n ? 0 : pick([1, 500000000, 999999999]));
  return r;
}

function messageValue(desc, rules, depth) {
  if (desc.typeName === "google.protobuf.Timestamp" || desc.typeName === "google.protobuf.Duration") return clockValue(desc, rules);
  return fill(desc, depth + 1, rules);
}

function listLength(rules, name) {
  const value = rules?.type?.case === name ? rules.type.value : undefined;
  const counts = [value?.minItems, value?.maxItems, value?.minPairs, value?.maxPairs].filter((n) => n !== undefined && n <= 300n);
  return counts.length && chance(0.5) ? Math.max(0, Number(pick(counts)) + below(3) - 1) : below(4);
}

function setField(r, field, depth) {
  const rules = rulesOf(field);
  if (field.fieldKind === "scalar") r.set(field, scalarValue(field.scalar, rules));
  else if (field.fieldKind === "enum") r.set(field, enumValue(field.enum));
  else if (field.fieldKind === "message") r.set(field, messageValue(field.message, rules, depth));
  else if (field.fieldKind === "list") {
    const list = r.get(field), items = rules?.type?.value?.items;
    const n = field.listKind === "message" ? Math.min(listLength(rules, "repeated"), depth > 1 ? 2 : 6) : listLength(rules, "repeated");
    for (let i = 0; i < n; i++) {
      list.add(field.listKind === "scalar" ? scalarValue(field.scalar, items)
        : field.listKind === "enum" ? enumValue(field.enum) : messageValue(field.message, items, depth));
    }
  } else {
    const map = r.get(field), of = rules?.type?.value;
    for (let i = listLength(rules, "map"); i > 0; i--) {
      const key = field.mapKey === ScalarType.STRING ? pick(["", "a", "k", "key", "long_key", "x".repeat(1 + below(30))]) : scalarValue(field.mapKey, of?.keys);
      map.set(key, field.mapKind === "scalar" ? scalarValue(field.scalar, of?.values)
        : field.mapKind === "enum" ? enumValue(field.enum) : messageValue(field.message, of?.values, depth));
    }
  }
}

function fill(desc, depth, rules) {
  const r = reflect(desc);
  for (const member of desc.members) {
    if (depth >= DEPTH_MAX) break;
    const wanted = chance(depth === 0 ? 0.7 : 0.5);
    if (member.kind === "oneof") {
      if (wanted) setField(r, pick(member.fields), depth);
    } else if (wanted) {
      // a wrapper's rules are those of its field
      if (rules && desc.typeName.endsWith("Value") && desc.typeName.startsWith("google.")) r.set(member, scalarValue(member.scalar, rules));
      else setField(r, member, depth);
    }
  }
  return r;
}

// --- the two verdicts ---------------------------------------------------------------------------
function theirs(desc, message) {
  const result = validator.validate(desc, message);
  if (result.kind === "error") throw result.error;
  return result.kind === "valid" ? [] : result.violations.map((v) => `${v.ruleId}\t${pathText(v.field)}`).sort();
}

// FieldPath of buf.validate.Violation as text.
function pathText(path) {
  let text = "";
  for (const part of path) {
    if (part.kind === "field") text += `${text ? "." : ""}${part.name}`;
    else if (part.kind === "oneof") text += `${text ? "." : ""}${part.name}`;
    else if (part.kind === "list_sub") text += `[${part.index}]`;
    else if (part.kind === "map_sub") text += typeof part.key === "string" ? `["${part.key}"]` : `[${part.key}]`;
    else throw new Error(`path part ${part.kind}`);
  }
  return text;
}

function ours(cases) {
  const input = Buffer.concat(cases.flatMap((c) => [Buffer.from(`${c.desc.typeName} ${c.bytes.length}\n`), c.bytes]));
  const done = spawnSync(judge, { input, maxBuffer: 1 << 30 });
  if (done.status !== 0) throw new Error(`judge: ${done.stderr}`);
  const lines = done.stdout.toString().split("\n");
  let at = 0;
  return cases.map(() => {
    const [status, kept, left] = lines[at++].split(" ");
    const found = lines.slice(at, at + Number(kept)).sort();
    at += Number(kept);
    return { status, found, left: Number(left) };
  });
}

function differ(mine, their) {
  if (mine.status !== "OK" && mine.status !== "INVALID_ARGUMENT") return `status ${mine.status}`;
  const rest = [...their], extra = [];
  for (const line of mine.found) {
    const i = rest.indexOf(line);
    if (i < 0) extra.push(line);
    else rest.splice(i, 1);
  }
  if (extra.length) return `only ours: ${JSON.stringify(extra.slice(0, 3))}`;
  if (mine.left === 0 && rest.length) return `only theirs: ${JSON.stringify(rest.slice(0, 3))}`;
  return "";
}

// --- all requests -------------------------------------------------------------------------------
const types = new Map();
for (const t of registry) {
  if (t.kind === "service" && t.typeName.startsWith(PACKAGES[0]))
    for (const method of t.methods) types.set(method.input.typeName, method.input);
}
const every = registry.getMessage("test.rules.Rules");
types.set(every.typeName, every);

let made = 0, broken = 0, violations = 0, wrong = 0;
for (const desc of types.values()) {
  const n = Number(perTypeText) * (desc === every ? 10 : 1), cases = [];
  for (let i = 0; i < n; i++) {
    const message = i === 0 ? create(desc) : fill(desc, 0).message;
    cases.push({ desc, message, bytes: Buffer.from(toBinary(desc, message)) });
  }
  ours(cases).forEach((mine, i) => {
    const their = theirs(desc, cases[i].message), why = differ(mine, their);
    made++;
    broken += their.length > 0;
    violations += their.length;
    if (why && ++wrong <= 20) console.log(`${desc.typeName} message ${i} of seed ${seedText}: ${why}`);
  });
}
console.log(`${types.size} types, ${made} messages, ${broken} of them broken in ${violations} places: ${wrong} verdicts differ`);
process.exit(wrong || broken === 0 || broken === made ? 1 : 0);
