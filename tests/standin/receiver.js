#!/usr/bin/env node
// usage: receiver.js --cert FILE --key FILE
//
// A customer's receiver of webhooks over TLS, with the reference library `standardwebhooks` as the
// judge. Prints "receiver HTTPS_PORT ADMIN_PORT" when it listens, on loopback.
//
// POST https://.../hook/NAME     a delivery; answered as the plan of NAME says, 200 without one
// POST http://ADMIN/plan/NAME    {"secrets": [...], "steps": [{...}, ...]}: each step is one answer,
//                                the last one is repeated
// GET  http://ADMIN/got/NAME     what came: [{at, headers, body, verified: [bool per secret]}]
//
// A step: status, headers, after_ms (silence first), drip (a byte every 100 ms), huge (no end),
// close (no answer at all).
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const { Webhook } = require(path.join(__dirname, '../node_modules/standardwebhooks'));

const option = (name) => process.argv[process.argv.indexOf(`--${name}`) + 1];
const hooks = new Map();
const hook = (name) => {
  if (!hooks.has(name)) hooks.set(name, { secrets: [], steps: [], got: [] });
  return hooks.get(name);
};

function verified(secret, body, headers) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function drip(res) {
  const timer = setInterval(() => res.write('x'), 100);
  res.on('close', () => clearInterval(timer));
}

function flood(res) {
  const block = Buffer.alloc(65536, 'x');
  const more = () => { while (!res.destroyed && res.write(block)); };
  res.on('drain', more);
  more();
}

function answer(req, res, step) {
  if (step.close) return void req.socket.destroy();
  res.writeHead(step.status || 200, step.headers || {});
  if (step.drip) return drip(res);
  if (step.huge) return flood(res);
  return res.end('{}');
}

function collect(req, then) {
  const parts = [];
  req.on('data', (p) => parts.push(p));
  req.on('end', () => then(Buffer.concat(parts).toString('utf8')));
}

const receiver = https.createServer({ cert: fs.readFileSync(option('cert')), key: fs.readFileSync(option('key')) }, (req, res) => {
  collect(req, (body) => {
    const h = hook(req.url.split('/')[2].split('?')[0]);
    h.got.push({ at: Date.now() / 1000, headers: req.headers, body, verified: h.secrets.map((s) => verified(s, body, req.headers)) });
    const step = (h.steps.length > 1 ? h.steps.shift() : h.steps[0]) || {};
    setTimeout(() => answer(req, res, step), step.after_ms || 0);
  });
});

const admin = http.createServer((req, res) => {
  const [, what, name] = req.url.split('/');
  collect(req, (body) => {
    if (what === 'plan') Object.assign(hook(name), JSON.parse(body));
    res.end(JSON.stringify(what === 'got' ? hook(name).got : {}));
  });
});

receiver.on('tlsClientError', () => {});
receiver.listen(0, '127.0.0.1', () => admin.listen(0, '127.0.0.1', () => {
  console.log(`receiver ${receiver.address().port} ${admin.address().port}`);
}));
