// SPDX-License-Identifier: Apache-2.0
// http2_peer.js - Node.js as a server and a client of an API over HTTP/2, over TLS or without.
//
//   http2_peer.js server PORT [CERT KEY]         what is posted comes back; writes "METHOD status" a request
//   http2_peer.js client URL BODIES FROM TO      posts BODIES/FROM.json to TO - 1 over one connection, all at once
//   http2_peer.js client URL BODIES FROM TO OPENED GATE   one by one; after the first makes the file
//                                                OPENED and waits until there is the file GATE
// Certificates are not checked. Exit status 1 if an answer was not 200 and the body.
'use strict';
const fs = require('fs');
const http2 = require('http2');

function server(port, cert, key) {
	const answer = (stream, headers) => {
		const parts = [];
		stream.on('data', part => parts.push(part));
		stream.on('end', () => {
			stream.respond({ ':status': 200, 'content-type': 'application/json' });
			stream.end(Buffer.concat(parts));
			console.log(headers[':method'], 200);
		});
		stream.on('error', () => {});
	};
	const it = cert ? http2.createSecureServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }) : http2.createServer();
	it.on('stream', answer).listen(Number(port), '127.0.0.1');
}

function post(session, path, body) {
	return new Promise((resolve, reject) => {
		const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
		const parts = [];
		let status;
		stream.on('response', headers => { status = headers[':status']; });
		stream.on('data', part => parts.push(part));
		stream.on('end', () => status === 200 && Buffer.concat(parts).equals(body) ? resolve() : reject(new Error(`status ${status}`)));
		stream.on('error', reject);
		stream.end(body);
	});
}

const there = file => new Promise(resolve => {
	const look = () => fs.existsSync(file) ? resolve() : setTimeout(look, 20);
	look();
});

async function client(url, bodies, from, to, opened, gate) {
	const { origin, pathname } = new URL(url);
	const session = http2.connect(origin, { rejectUnauthorized: false });
	const waiting = [];
	for (let i = from; i < to; i++) {
		const answer = post(session, pathname, fs.readFileSync(`${bodies}/${i}.json`));
		if (!gate) {
			waiting.push(answer);
			continue;
		}
		await answer;
		if (i === from) {
			fs.writeFileSync(opened, '');
			await there(gate);
		}
	}
	await Promise.all(waiting);
	session.close();
}

const [, , role, ...rest] = process.argv;
if (role === 'server')
	server(...rest);
else
	client(rest[0], rest[1], Number(rest[2]), Number(rest[3]), rest[4], rest[5]).catch(e => {
		console.error(`http2_peer.js: ${e.message}`);
		process.exit(1);
	});
