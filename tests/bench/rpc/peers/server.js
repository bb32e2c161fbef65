// The Node peer of the rpc benchmark: grpc-js and proto-loader, the usual way. Prints "ready PORT".
const path = require('path');
const modules = path.join(__dirname, '../../../node_modules/');
const grpc = require(modules + '@grpc/grpc-js');
const loader = require(modules + '@grpc/proto-loader');

const definition = loader.loadSync('bench.proto', {
  keepCase: true, longs: Number, defaults: false,
  includeDirs: [path.join(__dirname, '..'), path.join(__dirname, '../../../../proto')],
});
const { Bench } = grpc.loadPackageDefinition(definition).bench.v1;
const server = new grpc.Server();

server.addService(Bench.service, {
  Echo(call, done) {
    const r = call.request;
    done(null, { id: r.id, seq: r.seq, language: r.language, payload: r.payload,
      n_tags: r.tags ? r.tags.length : 0 });
  },
  Audio(call) {
    call.on('data', (f) => call.write({ seq: f.seq, t_ns: f.t_ns, n_bytes: f.pcm.length }));
    call.on('end', () => call.end());
    call.on('error', () => {});
  },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`ready ${port}`);
});
process.on('SIGTERM', () => process.exit(0));
