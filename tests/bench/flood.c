/* SPDX-License-Identifier: Apache-2.0 */
/* flood.c - an open-loop producer that knows to the byte and to the call what it moved: a
 * server (the child) and its client, over loopback. Requests start when the clock says so,
 * however far weir is behind; every one has the same length and an e-mail address of its own.
 *
 *   flood [--connections N] [--active N] [--rate R] [--requests N] [--size BYTES] [--told]
 *         --rate 0     as fast as the server answers
 *         --told       says "open" when all are connected, begins at a line of stdin, says what it
 *                      moved, and keeps the connections until stdin ends
 * Prints one JSON object: requests, bytes and calls of both ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 200000
#define FILES_SPARE 16
#define SIZE_MIN 256
#define SIZE_MAX_ 16384	/* of a request: one call is one record */
#define STALLED_NS 20000000000ull

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";
#define ANSWER (sizeof(answer) - 1)

struct end { uint64_t sent, received, calls, cpu_ns; };
static struct { struct end client, server; } *moved;	/* shared with the server */

static struct { unsigned connections, active; double rate; uint64_t requests; unsigned size; bool told; } opt = {
	.connections = 16, .requests = 10007, .size = 1024,
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void watch(int queue, int fd, uint64_t data)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = data };

	if (epoll_ctl(queue, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

static void send_all(struct end *end, int fd, const char *bytes, size_t len)
{
	ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

	if (n != (ssize_t)len)
		die("a message did not go out in one call");
	end->calls++;
	__atomic_store_n(&end->sent, end->sent + len, __ATOMIC_RELEASE);
}

/* The server: every opt.size bytes are a request. */

static void serve_some(int queue, int listener, struct epoll_event *e, uint32_t *have)
{
	static char piece[SIZE_MAX_];
	int fd = (int)e->data.u64, one = 1;
	ssize_t n;

	if (fd == listener) {
		while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
			if (fd >= CONNECTIONS_MAX + FILES_SPARE)
				exit(2);
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			have[fd] = 0;
			watch(queue, fd, (uint64_t)fd);
		}
		return;
	}
	n = recv(fd, piece, opt.size - have[fd], 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	moved->server.calls++;
	moved->server.received += (uint64_t)n;
	have[fd] += (uint32_t)n;
	if (have[fd] == opt.size) {
		have[fd] = 0;
		send_all(&moved->server, fd, answer, ANSWER);
	}
}

static void serve(int listener, int life)
{
	uint32_t *have = calloc(CONNECTIONS_MAX + FILES_SPARE, sizeof(*have));
	int queue = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	watch(queue, listener, (uint64_t)listener);
	watch(queue, life, (uint64_t)life);
	for (;;) {
		int n = epoll_wait(queue, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if ((int)events[i].data.u64 == life)
				exit(0);	/* the client has ended */
			serve_some(queue, listener, &events[i], have);
		}
		moved->server.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	}
}

/* The client. */

static int *fds;
static unsigned *left;	/* bytes of the answer to come */
/* Active connections without a request, in a ring: the one that rested longest is next. */
static unsigned *idle, idle_first, nr_idle;

static void connect_all(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	for (unsigned i = 0; i < opt.connections; i++) {
		/* An address has some 28,000 ports: 127.0.0.1, then .2, … */
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i / 20000);
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0 || connect(fds[i], (struct sockaddr *)&to, sizeof(to)))
			die("connect");
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
}

static void rest(unsigned i)
{
	idle[(idle_first + nr_idle++) % opt.active] = i;
}

static unsigned next_rested(void)
{
	unsigned i = idle[idle_first];

	idle_first = (idle_first + 1) % opt.active;
	nr_idle--;
	return i;
}

static void request(unsigned i, uint64_t n)
{
	static char text[SIZE_MAX_ + 1];
	static size_t head, mark;

	if (!head) {
		head = (size_t)snprintf(text, sizeof(text), "POST /flood HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
				"Content-Length: %05u\r\n\r\n", 0);
		snprintf(text, sizeof(text), "POST /flood HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
			 "Content-Length: %05zu\r\n\r\n{\"contact\":\"u000000000@load.example\",\"note\":\"", opt.size - head);
		mark = head + 12;
		memset(text + strlen(text), 'x', opt.size - strlen(text) - 2);
		memcpy(text + opt.size - 2, "\"}", 3);
	}
	for (int d = 8; d >= 0; d--, n /= 10)
		text[mark + 1 + (size_t)d] = (char)('0' + n % 10);
	send_all(&moved->client, fds[i], text, opt.size);
	left[i] = ANSWER;
}

static void answered(unsigned i, uint64_t *finished)
{
	char piece[ANSWER];
	ssize_t n = recv(fds[i], piece, left[i], MSG_DONTWAIT);

	if (n <= 0)
		die("the server closed");
	moved->client.calls++;
	moved->client.received += (uint64_t)n;
	left[i] -= (unsigned)n;
	if (left[i])
		return;
	++*finished;
	rest(i);
}

static double run(void)
{
	int queue = epoll_create1(EPOLL_CLOEXEC);
	uint64_t began = clock_ns(CLOCK_MONOTONIC), started = 0, finished = 0, moving = began;
	struct epoll_event events[256];
	double seconds;

	for (unsigned i = 0; i < opt.active; i++) {
		watch(queue, fds[i], i);
		rest(i);
	}
	while (finished < opt.requests) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC), next = 0, before = finished;
		struct timespec t;
		int n;

		while (nr_idle && started < opt.requests) {
			next = opt.rate > 0 ? began + (uint64_t)((double)started * 1e9 / opt.rate) : 0;
			if (next > now)
				break;
			request(next_rested(), started++);
		}
		next = nr_idle && started < opt.requests && next > now ? next - now : 1000000000;
		t = (struct timespec){ .tv_sec = (time_t)(next / 1000000000), .tv_nsec = (long)(next % 1000000000) };
		n = epoll_pwait2(queue, events, 256, &t, NULL);
		for (int i = 0; i < n; i++)
			answered((unsigned)events[i].data.u64, &finished);
		if (finished != before)
			moving = now;
		else if (now - moving > STALLED_NS && started > finished)
			errno = ETIMEDOUT, die("no answer for 20 s");
	}
	close(queue);
	seconds = (double)(clock_ns(CLOCK_MONOTONIC) - began) / 1e9;
	moved->client.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	/* The server counts after the call that the client has seen the answer of. */
	while (__atomic_load_n(&moved->server.sent, __ATOMIC_ACQUIRE) != moved->client.received)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	return seconds;
}

static void tell(const char *name, const struct end *e)
{
	printf(",\"%s\":{\"sent\":%llu,\"received\":%llu,\"calls\":%llu,\"cpu_ns\":%llu}", name, (unsigned long long)e->sent,
	       (unsigned long long)e->received, (unsigned long long)e->calls, (unsigned long long)e->cpu_ns);
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "connections", 1, 0, 'c' }, { "active", 1, 0, 'a' }, { "rate", 1, 0, 'r' }, { "requests", 1, 0, 'n' },
		{ "size", 1, 0, 's' }, { "told", 0, 0, 't' }, { 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (o) {
		case 'c': opt.connections = (unsigned)atoi(optarg); break;
		case 'a': opt.active = (unsigned)atoi(optarg); break;
		case 'r': opt.rate = atof(optarg); break;
		case 'n': opt.requests = strtoull(optarg, NULL, 10); break;
		case 's': opt.size = (unsigned)atoi(optarg); break;
		case 't': opt.told = true; break;
		default: exit(2);
		}
	if (!opt.active)
		opt.active = opt.connections;
	if (!opt.connections || opt.connections > CONNECTIONS_MAX || opt.active > opt.connections || opt.size < SIZE_MIN || opt.size > SIZE_MAX_) {
		fprintf(stderr, "flood: 1 to %d --connections, no more --active, a --size of %d to %d\n", CONNECTIONS_MAX, SIZE_MIN, SIZE_MAX_);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), life[2], status;
	double seconds;
	pid_t server;

	options(argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &files))
		die("RLIMIT_NOFILE");
	if (files.rlim_max < opt.connections + FILES_SPARE)
		files.rlim_max = opt.connections + FILES_SPARE;	/* root may */
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("the limit of open files is too low for so many connections");
	moved = mmap(NULL, sizeof(*moved), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fds = calloc(opt.connections, sizeof(*fds));
	idle = calloc(opt.connections, sizeof(*idle));
	left = calloc(opt.connections, sizeof(*left));
	if (moved == MAP_FAILED || !fds || !idle || !left || pipe(life))
		die("memory");
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 4096) || getsockname(listener, (struct sockaddr *)&at, &size))
		die("listen");
	server = fork();
	if (!server) {
		close(life[1]);
		serve(listener, life[0]);
	}
	close(listener);
	connect_all(ntohs(at.sin_port));
	if (opt.told) {
		printf("open\n");
		fflush(stdout);
		if (getchar() == EOF)
			return 2;
	}
	seconds = run();
	printf("{\"port\":%u,\"requests\":%llu,\"seconds\":%.3f,\"rate\":%.0f", ntohs(at.sin_port), (unsigned long long)opt.requests, seconds,
	       (double)opt.requests / seconds);
	tell("client", &moved->client);
	tell("server", &moved->server);
	printf("}\n");
	fflush(stdout);
	while (opt.told && getchar() != EOF)
		;
	for (unsigned i = 0; i < opt.connections; i++)
		close(fds[i]);
	close(life[1]);
	return waitpid(server, &status, 0) < 0 || status ? 2 : 0;
}
