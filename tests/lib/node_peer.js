// SPDX-License-Identifier: Apache-2.0
// node_peer.js - Node.js as a server and a client of an API over TLS. Its TLS is fed from memory:
// no socket call happens inside a call of the library.
//
//   node_peer.js server PORT CERT KEY [TLSv1.2]    what is posted comes back; writes "METHOD status" a request
//   node_peer.js client URL BODIES FROM TO new|kept|many   posts BODIES/FROM.json to TO - 1, over a
//                                                  connection each, one kept alive, or both at once
//                                                  over as many as there are
// Certificates are not checked. Exit status 1 if an answer was not 200 and the body.
'use strict';
const fs = require('fs');
const https = require('https');

function server(port, cert, key, version) {
	const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), maxVersion: version, keepAliveTimeout: 60000 };
	https.createServer(options, (request, response) => {
		const parts = [];
		request.on('data', part => parts.push(part));
		request.on('end', () => {
			const body = Buffer.concat(parts);
			response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
			response.end(body);
			console.log(request.method, 200);
		});
	}).listen(Number(port), '127.0.0.1');
}

function post(url, agent, body) {
	return new Promise((resolve, reject) => {
		const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
		const request = https.request(url, { method: 'POST', agent, headers, rejectUnauthorized: false }, answer => {
			const parts = [];
			answer.on('data', part => parts.push(part));
			answer.on('end', () => answer.statusCode === 200 && parts.length ? resolve(Buffer.concat(parts)) :
				reject(new Error(`status ${answer.statusCode}`)));
		});
		request.on('error', reject);
		request.end(body);
	});
}

async function client(url, bodies, from, to, how) {
	const agent = new https.Agent({ keepAlive: how !== 'new', maxSockets: how === 'kept' ? 1 : Infinity });
	const waiting = [];
	for (let i = from; i < to; i++) {
		const answer = post(url, agent, fs.readFileSync(`${bodies}/${i}.json`));
		if (how === 'many')
			waiting.push(answer);
		else
			await answer;
	}
	await Promise.all(waiting);
	agent.destroy();
}

const [, , role, ...rest] = process.argv;
if (role === 'server')
	server(...rest);
else
	client(rest[0], rest[1], Number(rest[2]), Number(rest[3]), rest[4]).catch(e => {
		console.error(`node_peer.js: ${e.message}`);
		process.exit(1);
	});
