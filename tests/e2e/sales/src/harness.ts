// harness: starts the real salesd for one test file and hands out a typed client.
import { spawn, ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import * as loader from '@grpc/proto-loader';
import * as protobuf from 'protobufjs';
import type { ProtoGrpcType } from './gen/sales_agent';
import type { SalesAgentClient } from './gen/sales/v1/SalesAgent';

export const PROTO_DIR = process.env.PROTO_DIR!;
const options = { longs: String, enums: String, defaults: true, oneofs: true, keepCase: true, includeDirs: [PROTO_DIR] };
const definition = loader.loadSync(['sales/v1/sales_agent.proto'], options);
export const proto = grpc.loadPackageDefinition(definition) as unknown as ProtoGrpcType;

export interface Server {
  address: string;
  http: string;
  key: string;
  process: ChildProcess;
  dir: string;
  client: SalesAgentClient;
  metadata: grpc.Metadata;
  restart(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests through ./dev test`);
  return value;
}

const userOf = (conninfo: string) => /user=(\S+)/.exec(conninfo)![1]!;

// A database of its own on the test PostgreSQL: the superuser makes it, the owner migrates it, the
// application's role serves it.
function freshDatabase(): string {
  const name = 't_' + randomBytes(6).toString('hex');
  const sql = `CREATE DATABASE ${name} OWNER ${userOf(setting('SALES_TEST_PG_ADMIN'))}`;
  execFileSync('psql', [setting('SALES_TEST_PG_SUPER'), '-qX', '-v', 'ON_ERROR_STOP=1', '-c', sql]);
  return name;
}

// As URL, which is how --store takes PostgreSQL.
function urlOf(conninfo: string, database: string): string {
  const port = /port=(\d+)/.exec(conninfo)![1];
  return `postgres://${userOf(conninfo)}@127.0.0.1:${port}/${database}`;
}

export async function startServer(extra: string[] = []): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'salesd-e2e-'));
  const store = process.env.ENGINE === 'postgres' ? postgresStore() : [`sqlite:${dir}/sales.db`];
  const args = [
    '--store', store[0], '--master-key-file', `${dir}/master.key`, '--listen', '127.0.0.1:0',
    '--http-listen', '127.0.0.1:0', '--bootstrap-tenant', 'demo', '--bootstrap-env', `${dir}/env`, ...extra,
  ];
  if (store[1]) {
    const role = userOf(setting('SALES_TEST_PG'));
    writeFileSync(`${dir}/master.key`, randomBytes(32), { mode: 0o600 });
    execFileSync(process.env.SALESD!, ['--store', store[1], '--migrate', '--migrate-role', role], { stdio: 'pipe' });
  }
  const server = { dir } as Server;
  await launch(server, args);
  server.restart = async () => {
    server.client.close();
    await launch(server, args);
  };
  return server;
}

function postgresStore(): [string, string] {
  const name = freshDatabase();
  return [urlOf(setting('SALES_TEST_PG'), name), urlOf(setting('SALES_TEST_PG_ADMIN'), name)];
}

async function launch(server: Server, args: string[]): Promise<void> {
  const child = spawn(process.env.SALESD!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr!.on('data', (d) => { log = (log + d).slice(-20000); });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('salesd is not ready after 20 s\n' + log)), 20000);
    let out = '';
    child.stdout!.on('data', (d) => {
      out += d;
      const m = /^salesd ready address=(\S+) http=(\S+)/m.exec(out);
      if (m) { clearTimeout(timer); server.address = m[1]!; server.http = m[2]!; resolve(); }
    });
    child.once('exit', (code) => { clearTimeout(timer); reject(new Error(`salesd ended with ${code}\n${log}`)); });
  });
  server.process = child;
  server.key ??= /^SALES_API_KEY=['"]?([^'"\n]+)/m.exec(readFileSync(`${server.dir}/env`, 'utf8').replace(/^export /gm, ''))![1]!;
  server.metadata = new grpc.Metadata();
  server.metadata.set('authorization', `Bearer ${server.key}`);
  server.client = new proto.sales.v1.SalesAgent(server.address, grpc.credentials.createInsecure());
  server.stop = (signal = 'SIGTERM') => {
    server.client.close();
    return new Promise((resolve) => {
      if (child.exitCode !== null) return resolve(child.exitCode);
      child.once('exit', (code) => { if (signal !== 'SIGKILL') rmSync(server.dir, { recursive: true, force: true }); resolve(code); });
      child.kill(signal);
    });
  };
}

// Promise forms: call(server, 'createLead', {...}) with a deadline, failing with a decoded error.
export class RpcError extends Error {
  constructor(readonly code: grpc.status, message: string, readonly details: any[]) { super(message); }
  get reason(): string | undefined { return this.details.find((d) => d.type === 'ErrorInfo')?.reason; }
  get fields(): string[] {
    return (this.details.find((d) => d.type === 'BadRequest')?.field_violations ?? []).map((v: any) => v.field);
  }
  get preconditions(): any[] { return this.details.find((d) => d.type === 'PreconditionFailure')?.violations ?? []; }
}

// google.rpc.Status of the trailer, with its details decoded by type.
const rpcTypes = new protobuf.Root();
rpcTypes.resolvePath = (_: string, target: string) => join(PROTO_DIR, target);
rpcTypes.loadSync(['google/rpc/error_details.proto', 'google/rpc/status.proto'], { keepCase: true });

export function decodeError(e: grpc.ServiceError): RpcError {
  const raw = e.metadata?.get('grpc-status-details-bin')[0] as Buffer | undefined;
  if (!raw) return new RpcError(e.code, e.details, []);
  const status: any = rpcTypes.lookupType('google.rpc.Status').decode(raw);
  const details = status.details.map((any: any) => {
    const type = any.type_url.split('/').pop()!;
    const t = rpcTypes.lookupType(type);
    return { type: type.split('.').pop(), ...t.toObject(t.decode(any.value), { enums: String, longs: String, defaults: true }) };
  });
  return new RpcError(e.code, e.details, details);
}

export function call<T = any>(s: Server, method: string, request: object, o: { ms?: number; metadata?: grpc.Metadata } = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    (s.client as any)[method](request, o.metadata ?? s.metadata, { deadline: Date.now() + (o.ms ?? 20000) },
      (e: grpc.ServiceError | null, reply: T) => (e ? reject(decodeError(e)) : resolve(reply)));
  });
}

// All messages of a server stream.
export function collect<T = any>(s: Server, method: string, request: object, ms = 60000): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const messages: T[] = [];
    const stream = (s.client as any)[method](request, s.metadata, { deadline: Date.now() + ms });
    stream.on('data', (m: T) => messages.push(m));
    stream.on('error', (e: grpc.ServiceError) => reject(decodeError(e)));
    stream.on('end', () => resolve(messages));
  });
}

export async function refused(p: Promise<unknown>): Promise<RpcError> {
  try {
    await p;
  } catch (e) {
    if (e instanceof RpcError) return e;
    throw e;
  }
  throw new Error('the call was accepted');
}
