// SPDX-License-Identifier: Apache-2.0
// node_peer.js - Node.js as a server and a client of an API over TLS. Its TLS is fed from memory:
// no socket call happens inside a call of the library.
//
//   node_peer.js server PORT CERT KEY [TLSv1.2]    what is posted comes back; writes "METHOD status" a request
//   node_peer.js client URL BODIES FROM TO new|kept|many   posts BODIES/FROM.json to TO - 1, over a
//                                                  connection each, one kept alive, or both at once
//                                                  over as many as there are
//   node_peer.js callback URL PLAIN BODIES FROM TO [TLSv1.2]   in the callback that says that a handshake
//                                                  is done, posts each over a plain connection, over
//                                                  an older one with TLS, and over the new one
// Certificates are not checked. Exit status 1 if an answer was not 200 and the body.
'use strict';
const fs = require('fs');
const https = require('https');
const net = require('net');
const tls = require('tls');

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

/* What is written in such a callback goes out in it: in the middle of a call of the library that reads. */
async function callback(url, plainUrl, bodies, from, to, version) {
	const { hostname, port, pathname } = new URL(url);
	const options = { host: hostname, servername: hostname, port, rejectUnauthorized: false, maxVersion: version };
	const exchange = (socket, body) => new Promise((resolve, reject) => {
		let text = '';
		const take = part => {
			text += part;
			const [head, rest] = text.split('\r\n\r\n');
			if (rest === undefined || rest.length < Number(/content-length: (\d+)/i.exec(head)[1]))
				return;
			socket.off('data', take);
			if (text.startsWith('HTTP/1.1 200'))
				resolve();
			else
				reject(new Error(head));
		};
		socket.on('data', take);
		socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n` +
			`Content-Length: ${body.length}\r\n\r\n${body}`);
	});
	const opened = (socket, event) => new Promise((resolve, reject) => socket.on(event, resolve).on('error', reject));
	const plain = net.connect(new URL(plainUrl).port, hostname), older = tls.connect(options);
	await opened(plain, 'connect');
	await opened(older, 'secureConnect');
	for (let i = from; i < to; i++) {
		const body = fs.readFileSync(`${bodies}/${i}.json`), socket = tls.connect(options);
		await new Promise((resolve, reject) => {
			socket.on('secureConnect', () => Promise.all([plain, older, socket].map(s => exchange(s, body))).then(resolve, reject));
			socket.on('error', reject);
		});
		socket.end();
	}
	plain.end();
	older.end();
}

const [, , role, ...rest] = process.argv;
const failed = e => {
	console.error(`node_peer.js: ${e.message}`);
	process.exit(1);
};
if (role === 'server')
	server(...rest);
else if (role === 'callback')
	callback(rest[0], rest[1], rest[2], Number(rest[3]), Number(rest[4]), rest[5]).catch(failed);
else
	client(rest[0], rest[1], Number(rest[2]), Number(rest[3]), rest[4]).catch(failed);
