/* SPDX-License-Identifier: Apache-2.0 */
/* churn.c - a process that lives for one exchange, and its server, over loopback.
 *
 *   churn serve                 prints its port, answers until stdin ends
 *   churn PORT ROUTE ADDRESS    one POST to ROUTE with the e-mail address in it */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

static int serve(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);
	struct pollfd fds[] = { { .fd = listener, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
	char in[4096];

	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 1024) || getsockname(listener, (struct sockaddr *)&at, &size))
		return perror("churn: listen"), 2;
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		int fd = accept(listener, NULL, NULL);

		if (recv(fd, in, sizeof(in), 0) > 0)
			(void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		close(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char text[1024], body[256], in[256];
	int fd, n;

	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc != 4)
		return fprintf(stderr, "churn: serve, or PORT ROUTE ADDRESS\n"), 2;
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	n = snprintf(body, sizeof(body), "{\"contact\":\"%s\"}", argv[3]);
	n = snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		     argv[2], n, body);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return perror("churn: connect"), 2;
	while (recv(fd, in, sizeof(in), 0) > 0)
		;
	return 0;
}
