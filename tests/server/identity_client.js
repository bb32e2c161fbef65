// One call by grpc-js, as a browserless client makes it: ADDRESS METHOD TOKEN [CA CERT KEY]. Prints the code.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [address, method, token, ca, cert, key] = process.argv.slice(2);
const credentials = ca
  ? grpc.credentials.createSsl(fs.readFileSync(ca), fs.readFileSync(key), fs.readFileSync(cert))
  : grpc.credentials.createInsecure();
const client = new grpc.Client(address, credentials);
const metadata = new grpc.Metadata();
if (token) metadata.set('authorization', `Bearer ${token}`);
const same = (x) => x;
client.makeUnaryRequest(method, same, same, Buffer.alloc(0), metadata, { deadline: Date.now() + 20000 }, (e) => {
  console.log(e ? grpc.status[e.code] : 'OK');
  client.close();
});
