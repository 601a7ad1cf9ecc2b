/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - an open-loop HTTP client for the benchmarks: requests start when the clock says
 * so, not when the server has answered, and latency counts from then. wrk, closed-loop,
 * waits with the server and hides its stalls ("coordinated omission").
 *
 *   load --port P [--tls] [--connections N] [--rate R] [--requests N] [--new] [--path /1k]
 *        [--marker]     a unique e-mail address in the query of each request
 * Loopback only. Prints one JSON object. Ends with 1 when a request failed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 20000
#define HEAD_MAX 2048
#define BODY_PIECE 65536
#define BUCKETS 4096	/* of the latency histogram: 64 per power of two of microseconds */
#define STALLED_NS 20000000000ull

enum phase { CLOSED, CONNECTING, HANDSHAKE, IDLE, HEAD, BODY };

struct connection {
	int fd;
	enum phase phase;
	SSL *ssl;
	uint64_t due;		/* when its request should have started, ns */
	char head[HEAD_MAX];
	unsigned have;
	uint64_t body_left;
	struct connection *next_idle;
};

static struct {
	unsigned port, connections;
	uint64_t requests;
	double rate;
	bool tls, fresh, marker;
	const char *path;
} opt = { .connections = 16, .requests = 10007, .path = "/1k" };

static struct connection *all, *idle;
static SSL_CTX *tls;
static int queue;
static uint64_t began, started, finished, failed, histogram[BUCKETS];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t us)
{
	unsigned log = us ? 63 - (unsigned)__builtin_clzll(us) : 0;
	unsigned b = log < 6 ? (unsigned)us : (log - 5) * 64 + (unsigned)(us >> (log - 6)) - 64;

	return b < BUCKETS ? b : BUCKETS - 1;
}

static uint64_t bucket_us(unsigned b)
{
	return b < 64 ? b : (uint64_t)(64 + b % 64) << (b / 64 - 1);
}

static uint64_t quantile(double q)
{
	uint64_t want = (uint64_t)(q * (double)finished), seen = 0;

	for (unsigned b = 0; b < BUCKETS; b++)
		if ((seen += histogram[b]) > want)
			return bucket_us(b);
	return 0;
}

static void watch(struct connection *c, uint32_t events, int how)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (epoll_ctl(queue, how, c->fd, &e)) {
		perror("load: epoll_ctl");
		exit(2);
	}
}

static void become_idle(struct connection *c)
{
	c->phase = IDLE;
	c->next_idle = idle;
	idle = c;
}

static void connection_close(struct connection *c)
{
	if (c->ssl)
		SSL_free(c->ssl);
	close(c->fd);
	*c = (struct connection){ .fd = -1 };
}

static void connection_open(struct connection *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	*c = (struct connection){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .phase = CONNECTING };
	if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)) {
		perror("load: connect");
		exit(2);
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void fail(struct connection *c, const char *what)
{
	if (!failed++)
		fprintf(stderr, "load: request %llu: %s\n", (unsigned long long)started, what);
	finished += c->phase == HEAD || c->phase == BODY;
	connection_close(c);
	connection_open(c);
}

static void send_request(struct connection *c)
{
	char text[256];
	int n, sent;

	n = opt.marker ? snprintf(text, sizeof(text), "GET %s?address=u%07llu@load.example HTTP/1.1\r\nHost: localhost\r\n\r\n", opt.path,
				  (unsigned long long)started) :
			 snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", opt.path);
	started++;
	c->have = 0;
	c->phase = HEAD;
	sent = c->ssl ? SSL_write(c->ssl, text, n) : (int)send(c->fd, text, (size_t)n, MSG_NOSIGNAL);
	if (sent != n)
		fail(c, "it could not be sent whole");
}

static void request_done(struct connection *c)
{
	histogram[bucket_of((now_ns() - c->due) / 1000)]++;
	finished++;
	if (opt.fresh) {
		connection_close(c);
		connection_open(c);
	} else {
		become_idle(c);
	}
}

/* Bytes of an answer. Returns what is wrong with it, or NULL. */
static const char *answer(struct connection *c, const char *p, size_t n)
{
	if (c->phase == HEAD) {
		size_t old = c->have, room = sizeof(c->head) - 1 - old, take = n < room ? n : room;
		char *end, *length;

		memcpy(c->head + old, p, take);
		c->head[old + take] = 0;
		end = strstr(c->head, "\r\n\r\n");
		c->have += (unsigned)take;
		if (!end)
			return take < n ? "the head of the answer is too long" : NULL;
		length = strcasestr(c->head, "\r\nContent-Length: ");
		if (strncmp(c->head, "HTTP/1.1 200", 12) || !length || length > end)
			return "the answer is not a 200 with its length";
		c->body_left = strtoull(length + 18, NULL, 10);
		c->phase = BODY;
		n -= (size_t)(end + 4 - c->head) - old;
	}
	if (c->phase != BODY || n > c->body_left)
		return "more came than was asked for";
	c->body_left -= n;
	if (!c->body_left)
		request_done(c);
	return NULL;
}

static void receive(struct connection *c)
{
	static char piece[BODY_PIECE];
	const char *wrong = NULL;

	while (!wrong && (c->phase == HEAD || c->phase == BODY)) {
		int n = c->ssl ? SSL_read(c->ssl, piece, sizeof(piece)) : (int)recv(c->fd, piece, sizeof(piece), 0);

		if (n < 0 && (c->ssl ? SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ : errno == EAGAIN))
			return;
		wrong = n <= 0 ? "the server closed" : answer(c, piece, (size_t)n);
	}
	if (wrong)
		fail(c, wrong);
}

static void handshake(struct connection *c)
{
	int rc;

	if (!opt.tls) {
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
		become_idle(c);
		return;
	}
	if (!c->ssl) {
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_connect_state(c->ssl);
		c->phase = HANDSHAKE;
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
	}
	rc = SSL_do_handshake(c->ssl);
	if (rc == 1)
		become_idle(c);
	else if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
		fail(c, "no TLS connection");
}

static void on_event(struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	switch (c->phase) {
	case CONNECTING:
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) || error)
			fail(c, "no connection");
		else
			handshake(c);
		break;
	case HANDSHAKE:
		handshake(c);
		break;
	case IDLE: /* tickets of TLS 1.3, or the end: the next request finds out */
		break;
	default:
		receive(c);
	}
}

static uint64_t due_at(uint64_t n)
{
	return opt.rate > 0 ? began + (uint64_t)((double)n * 1e9 / opt.rate) : 0;
}

static void start_due(uint64_t now)
{
	while (idle && started < opt.requests && due_at(started) <= now) {
		struct connection *c = idle;

		idle = c->next_idle;
		c->due = opt.rate > 0 ? due_at(started) : now;
		send_request(c);
	}
}

static void run(void)
{
	struct epoll_event events[256];
	uint64_t last = now_ns(), before = 0;

	while (finished < opt.requests) {
		uint64_t now = now_ns(), next, wait = 1000000000;
		struct timespec t;
		int n;

		start_due(now);
		if (idle && started < opt.requests && (next = due_at(started)) > now)
			wait = next - now;
		t = (struct timespec){ .tv_sec = (time_t)(wait / 1000000000), .tv_nsec = (long)(wait % 1000000000) };
		n = epoll_pwait2(queue, events, 256, &t, NULL);
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr);
		if (finished != before) {
			before = finished;
			last = now;
		} else if (now - last > STALLED_NS) {
			fprintf(stderr, "load: no answer for 20 s, %llu of %llu done\n", (unsigned long long)finished, (unsigned long long)opt.requests);
			exit(1);
		}
	}
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", 1, 0, 'p' }, { "tls", 0, 0, 't' }, { "connections", 1, 0, 'c' }, { "rate", 1, 0, 'r' },
		{ "requests", 1, 0, 'n' }, { "new", 0, 0, 'w' }, { "path", 1, 0, 'a' }, { "marker", 0, 0, 'm' }, { 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (o) {
		case 'p': opt.port = (unsigned)atoi(optarg); break;
		case 't': opt.tls = true; break;
		case 'c': opt.connections = (unsigned)atoi(optarg); break;
		case 'r': opt.rate = atof(optarg); break;
		case 'n': opt.requests = strtoull(optarg, NULL, 10); break;
		case 'w': opt.fresh = true; break;
		case 'a': opt.path = optarg; break;
		case 'm': opt.marker = true; break;
		default: exit(2);
		}
	if (!opt.port || !opt.connections || opt.connections > CONNECTIONS_MAX || !opt.requests) {
		fprintf(stderr, "load: --port, 1 to %d --connections and some --requests are needed\n", CONNECTIONS_MAX);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { CONNECTIONS_MAX + 64, CONNECTIONS_MAX + 64 };
	uint64_t all_open;
	double seconds;

	options(argc, argv);
	setrlimit(RLIMIT_NOFILE, &files);
	queue = epoll_create1(EPOLL_CLOEXEC);
	tls = SSL_CTX_new(TLS_client_method());
	all = calloc(opt.connections, sizeof(*all));
	if (queue < 0 || !tls || !all)
		return perror("load"), 2;
	for (unsigned i = 0; i < opt.connections; i++)
		connection_open(&all[i]);
	all_open = opt.requests;
	opt.requests = 0;	/* connect first, in turns of the same loop */
	for (unsigned open = 0; open < opt.connections;) {
		struct epoll_event events[256];
		int n = epoll_wait(queue, events, 256, 1000);

		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr);
		open = 0;
		for (struct connection *c = idle; c; c = c->next_idle)
			open++;
		if (failed)
			return 1;
	}
	opt.requests = all_open;
	began = now_ns();
	run();
	seconds = (double)(now_ns() - began) / 1e9;
	printf("{\"requests\":%llu,\"failed\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"p50_us\":%llu,\"p90_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu}\n",
	       (unsigned long long)finished, (unsigned long long)failed, seconds, (double)finished / seconds, (unsigned long long)quantile(.5),
	       (unsigned long long)quantile(.9), (unsigned long long)quantile(.99), (unsigned long long)quantile(.999));
	return failed != 0;
}
