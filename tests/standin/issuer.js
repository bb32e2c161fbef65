// An issuer of tokens for tests: discovery, a key set, and a mint for good and for hostile tokens.
// Plain HTTP or HTTPS on loopback, no dependencies.
//
//   node issuer.js [--cert cert.pem --key key.pem]      prints: issuer http://127.0.0.1:PORT
//
//   GET  /.well-known/openid-configuration, /jwks       counted; behave as `mode` says
//   POST /_admin/mint    {alg, kid, claims, header, ttl, payload, sign_with, tamper, signature}
//   POST /_admin/rotate  {alg, drop_old}                a new key; the old ones of its kind may go
//   POST /_admin/set     {mode, cache_control, jwks_uri, extra}
//   GET  /_admin/stats   {jwks, discovery, evil}
'use strict';
const crypto = require('crypto');
const fs = require('fs');

const args = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean).map((a) => a.trim().split(' ')));
const MAKE = {
  RS256: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  EdDSA: () => crypto.generateKeyPairSync('ed25519'),
};
const FAMILY = { HS256: 'RS256', none: 'RS256', None: 'RS256', nOnE: 'RS256' };
const counts = { jwks: 0, discovery: 0, evil: 0 };
const state = { mode: 'ok', cache_control: 'public, max-age=300', jwks_uri: null, extra: [] };
let serial = 0;
let keys = [];
let base;

const b64 = (v) => (Buffer.isBuffer(v) ? v : Buffer.from(typeof v === 'string' ? v : JSON.stringify(v))).toString('base64url');

function add(alg) {
  const k = { alg, kid: `${alg.toLowerCase()}-${++serial}`, ...MAKE[alg]() };
  keys.unshift(k);
  return k;
}
Object.keys(MAKE).forEach(add);
const outsider = { alg: 'RS256', kid: 'outsider', ...MAKE.RS256() };
const jwk = (k) => ({ ...k.publicKey.export({ format: 'jwk' }), kid: k.kid, use: 'sig', alg: k.alg });

function signature(alg, k, input) {
  const data = Buffer.from(input);
  switch (alg) {
    case 'HS256': return crypto.createHmac('sha256', k.publicKey.export({ type: 'spki', format: 'pem' })).update(data).digest();
    case 'RS256': return crypto.sign('sha256', data, k.privateKey);
    case 'PS256': return crypto.sign('sha256', data, { key: k.privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    case 'ES256': return crypto.sign('sha256', data, { key: k.privateKey, dsaEncoding: 'ieee-p1363' });
    case 'EdDSA': return crypto.sign(null, data, k.privateKey);
    default: return Buffer.alloc(0);
  }
}

// A claim or header set to null is left out; `payload` replaces the claims, as text.
function mint({ alg = 'ES256', kid, claims = {}, header = {}, ttl = 300, payload, sign_with, tamper, signature: given }) {
  const family = FAMILY[sign_with || alg] || sign_with || alg;
  const k = sign_with === 'outsider' ? outsider : keys.find((x) => x.kid === kid) || keys.find((x) => x.alg === family) || keys[0];
  const t = Math.floor(Date.now() / 1000);
  const body = { iss: base, aud: 'sales', sub: 'user-1', tenant_id: 'demo', roles: ['sales_rep'], iat: t, nbf: t - 1, exp: t + ttl, jti: String(++serial), ...claims };
  const head = { typ: 'JWT', alg, kid: kid === undefined ? k.kid : kid, ...header };
  if (header.jwk === 'outsider') head.jwk = jwk(outsider);
  for (const o of [body, head]) for (const [n, v] of Object.entries(o)) if (v === null) delete o[n];
  const input = `${b64(head)}.${payload === undefined ? b64(body) : payload.startsWith('base64:') ? payload.slice(7) : b64(payload)}`;
  let sig = signature(sign_with === 'outsider' ? 'RS256' : sign_with || alg, k, input);
  if (tamper === 'flip') sig[sig.length >> 1] ^= 1;
  if (tamper === 'short') sig = sig.subarray(0, sig.length - 1);
  if (tamper === 'zero') sig = Buffer.alloc(64);
  return `${input}.${given === undefined ? b64(sig) : given}`;
}

function answer(res, value, headers = {}) {
  if (state.mode === 'down') { res.writeHead(503); res.end(); return; }
  if (state.mode === 'hang') return;
  if (state.mode === 'redirect') { res.writeHead(302, { location: `${base}/elsewhere` }); res.end(); return; }
  if (state.mode === 'html') { res.writeHead(200, { 'content-type': 'text/html' }); res.end('<html>busy</html>'); return; }
  const text = state.mode === 'big' ? JSON.stringify({ keys: [], pad: 'x'.repeat(300000) }) : JSON.stringify(value);
  res.writeHead(200, { 'content-type': 'application/json', ...headers });
  res.end(text);
}

function admin(path, body) {
  if (path === '/_admin/mint') return { token: mint(body) };
  if (path === '/_admin/stats') return counts;
  if (path === '/_admin/set') { Object.assign(state, body); return state; }
  if (path === '/_admin/rotate') {
    const k = add(body.alg || 'ES256');
    if (body.drop_old) keys = keys.filter((x) => x === k || x.alg !== k.alg);
    return { kid: k.kid };
  }
  return undefined;
}

function handle(req, res) {
  const chunks = [];
  req.on('data', (c) => chunks.push(c));
  req.on('end', () => {
    const path = req.url.split('?')[0];
    if (path.startsWith('/_admin/')) {
      const out = admin(path, chunks.length ? JSON.parse(Buffer.concat(chunks)) : {});
      res.writeHead(out === undefined ? 404 : 200, { 'content-type': 'application/json' });
      res.end(JSON.stringify(out === undefined ? {} : out));
    } else if (path === '/.well-known/openid-configuration') {
      counts.discovery++;
      answer(res, { issuer: base, jwks_uri: state.jwks_uri || `${base}/jwks` });
    } else if (path === '/jwks') {
      counts.jwks++;
      answer(res, { keys: [...keys.map(jwk), ...state.extra] }, { 'cache-control': state.cache_control });
    } else {
      counts.evil++;
      answer(res, { keys: [jwk(outsider)] });
    }
  });
}

const tls = args.cert ? { cert: fs.readFileSync(args.cert), key: fs.readFileSync(args.key) } : null;
const server = tls ? require('https').createServer(tls, handle) : require('http').createServer(handle);
server.listen(Number(args.port || 0), '127.0.0.1', () => {
  base = `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  console.log(`issuer ${base}`);
});
