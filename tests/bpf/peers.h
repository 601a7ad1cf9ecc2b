/* SPDX-License-Identifier: Apache-2.0 */
/* peers.h - a datagram socket that is not connected: each it turns to is a connection of its own, with
 * its address; all that turn to it from one address are one. */
#ifndef WEIR_TEST_PEERS_H
#define WEIR_TEST_PEERS_H
#include "tests/bpf/rows.h"

#define PEERS_ROUNDS 5
#define PEERS_SIZE 1009

/* What the ends of connections said: by role, and the last byte of the address. */
static struct { uint64_t moved[4][4], closes, strangers; uint16_t ports[4]; } by_peer;

static void on_end_of(const struct wire_life *l)
{
	unsigned host = l->who.remote.addr[3], role = l->who.role;

	if (l->kind != WIRE_CLOSE)
		return;
	by_peer.closes++;
	if (host > 3 || role > WIRE_ROLE_CLIENT || (host && memcmp(l->who.remote.addr, "\x7f\0\0", 3))) {
		by_peer.strangers++;
		return;
	}
	by_peer.moved[role][host] += l->sent + l->received;
	if (role == WIRE_ROLE_CLIENT)
		by_peer.ports[host] = l->who.remote.port;
}

static struct sockaddr_in at_host(unsigned host, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + host), .sin_port = htons(port) };
}

static bool answer_from(int server, char *b)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(server, b, PEERS_SIZE, 0, (struct sockaddr *)&from, &len);

	return n == PEERS_SIZE && sendto(server, b, (size_t)n, 0, (struct sockaddr *)&from, len) == n;
}

/* Looked at before it is taken: whom it came from must not be taken for whom the next one did. */
static bool take_answer(int client, char *b)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	return recvfrom(client, b, PEERS_SIZE, MSG_PEEK, (struct sockaddr *)&from, &len) == PEERS_SIZE &&
	       recvfrom(client, b, PEERS_SIZE, 0, (struct sockaddr *)&from, &len) == PEERS_SIZE;
}

/* A send that failed was for somebody; the next one, on the socket as it was connected then, is not. */
static bool fails(int client)
{
	struct sockaddr_in nowhere = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201), .sin_port = htons(5399) };

	return sendto(client, out, PEERS_SIZE, 0, (struct sockaddr *)&nowhere, sizeof(nowhere)) < 0;
}

static bool speak(void)
{
	int client = socket(AF_INET, SOCK_DGRAM, 0), servers[4];
	struct sockaddr_in own = at_host(1, 0);
	bool ok = !bind(client, (struct sockaddr *)&own, sizeof(own));

	for (unsigned i = 1; i < 4; i++) {
		struct sockaddr_in a = at_host(i, (uint16_t)(5300 + i));

		servers[i] = socket(AF_INET, SOCK_DGRAM, 0);
		ok &= !bind(servers[i], (struct sockaddr *)&a, sizeof(a));
	}
	for (unsigned round = 0; ok && round < PEERS_ROUNDS; round++) {
		for (unsigned i = 1; ok && i < 4; i++) {
			struct sockaddr_in a = at_host(i, (uint16_t)(5300 + i));

			ok &= sendto(client, out, PEERS_SIZE, 0, (struct sockaddr *)&a, sizeof(a)) == PEERS_SIZE;
			ok &= ok && answer_from(servers[i], in);
		}
		for (unsigned i = 1; ok && i < 4; i++)
			ok &= take_answer(client, in);
	}
	own = at_host(1, 5301);
	ok &= ok && fails(client) && !connect(client, (struct sockaddr *)&own, sizeof(own));
	ok &= ok && send(client, out, PEERS_SIZE, 0) == PEERS_SIZE && answer_from(servers[1], in) && take_answer(client, in);
	close(client);
	for (unsigned i = 1; i < 4; i++)
		close(servers[i]);
	return ok;
}

/* The client has three connections, each server one: with the client's address. With the first a round more. */
static const char *judge_peers(bool spoke)
{
	uint64_t each = 2 * PEERS_ROUNDS * PEERS_SIZE, more = 2 * PEERS_SIZE;

	if (!spoke)
		return "it could not be done";
	if (by_peer.closes != 6 || by_peer.strangers)
		return "expected six connections with known peers";
	for (unsigned i = 1; i < 4; i++)
		if (by_peer.moved[WIRE_ROLE_CLIENT][i] != each + (i == 1 ? more : 0) || by_peer.ports[i] != 5300 + i)
			return "expected as much with each peer, by its port";
	if (by_peer.moved[WIRE_ROLE_SERVER][1] != 3 * each + more)
		return "expected the servers to be called from one address";
	return unexplained() || world.sum.moved != (int64_t)(6 * each + 2 * more) ? "expected all to be accounted for" : NULL;
}

static void run_peers(void)
{
	bool spoke;

	world_reset();
	world.raw = true;
	memset(&by_peer, 0, sizeof(by_peer));
	request_make(5003);
	world.each_life = on_end_of;
	spoke = speak();
	look(3);
	wait_closes(6);
	settle();
	world.each_life = NULL;
	row("UDP, peer by peer", reasons(), judge_peers(spoke));
}
#endif
