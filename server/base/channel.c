#include "server/base/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the descriptors of one packet, aligned as cmsghdr wants it. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

static enum sn_err of_errno(void)
{
	switch (errno) {
	case EAGAIN:
		return (SN_EAGAIN);
	case EPIPE:
	case ECONNRESET:
		return (SN_ECLOSED);
	case EMSGSIZE:
		return (SN_ETOOBIG);
	default:
		return (SN_EIO);
	}
}

enum sn_err channel_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return (SN_EIO);
	return (SN_OK);
}

enum sn_err channel_send(
    int fd, struct sn_bytes message, const int *fds, unsigned count)
{
	union {
		const void *from;
		void *to;
	} u = { .from = message.p };
	struct iovec iov = { .iov_base = u.to, .iov_len = message.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	struct cmsghdr *c;
	ssize_t n;

	if (count > CHANNEL_FDS_MAX)
		return (SN_ETOOBIG);
	if (count > 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return (n < 0 ? of_errno() : SN_OK);
}

static void take_fds(
    struct msghdr *m, int *fds, unsigned max, unsigned *count, int *lost)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		size_t n;
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*count < max) {
				fds[(*count)++] = fd;
			} else {
				(void)close(fd);
				*lost = 1;
			}
		}
	}
}

enum sn_err channel_recv(int fd, void *out, size_t size, size_t *n, int *fds,
    unsigned max, unsigned *count)
{
	struct iovec iov = { .iov_base = out, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t got;
	int lost = 0;

	*count = 0;
	m.msg_control = control.bytes;
	m.msg_controllen = sizeof(control.bytes);
	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return (of_errno());
	if (got == 0)
		return (SN_ECLOSED);
	take_fds(&m, fds, max, count, &lost);
	if (lost || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		while (*count > 0)
			(void)close(fds[--*count]);
		return (SN_ETOOBIG);
	}
	*n = (size_t)got;
	return (SN_OK);
}
