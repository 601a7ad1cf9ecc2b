/* SPDX-License-Identifier: Apache-2.0 */
/* elfscan.c - looks for TLS functions in one file, in a process that has nothing but
 * that file and a pipe: the file may have been made by an attacker. It begins before there is one,
 * and takes it from a socket, when everything else has been given up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/tls/tls.h"
#include "daemon/daemon.h"
#include "daemon/sandbox.h"

#define FD_FILE_IN 3
#define FD_ANSWER 4
#define SECONDS 20	/* a browser's program has 300 MB, all of which may have to come from a slow disk */
#define CPU_SECONDS 4	/* it costs less than one of these */

/* The file, or -1: none came, the monitor has gone. */
static int file_take(void)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte;
	struct iovec in = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n;
	int fd;

	do
		n = recvmsg(FD_FILE_IN, &m, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ENOTSOCK)
		return FD_FILE_IN;	/* it was there from the beginning */
	if (n != 1 || m.msg_controllen < CMSG_LEN(sizeof(int)) || control.head.cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

int elfscan_main(void)
{
	const struct itimerval alarm_at = { .it_value.tv_sec = SECONDS };
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct tls_sites sites;
	char why[256];
	int fd;

	setrlimit(RLIMIT_CPU, &cpu);
	if (sandbox_enter(sandbox_find("elfscan"), why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	fd = file_take();
	if (fd < 0)
		return 0;
	setitimer(ITIMER_REAL, &alarm_at, NULL);
	if (tls_scan_fd(fd, &sites))
		sites.nr = 0;	/* an answer, too: nothing to be found, as opposed to a scan that died */
	return write(FD_ANSWER, &sites, sizeof(sites)) == (ssize_t)sizeof(sites) ? 0 : 1;
}
