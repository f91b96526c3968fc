#include "lib/poll.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 256

struct sn_poll {
	int fd;
	int count; /* Events of this turn. */
	struct epoll_event events[EVENTS];
};

enum sn_err sn_poll_new(struct sn_poll **out)
{
	struct sn_poll *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (SN_ENOMEM);
	if ((p->fd = epoll_create1(EPOLL_CLOEXEC)) < 0) {
		free(p);
		return (SN_EIO);
	}
	*out = p;
	return (SN_OK);
}

void sn_poll_free(struct sn_poll *p)
{
	if (p == NULL)
		return;
	(void)close(p->fd);
	free(p);
}

static int control(struct sn_poll *p, struct sn_poll_watch *w, int op)
{
	struct epoll_event ev = { .data.ptr = w };

	ev.events = (w->read ? (uint32_t)EPOLLIN : 0) |
		    (w->write ? (uint32_t)EPOLLOUT : 0);
	return (epoll_ctl(p->fd, op, w->fd, &ev));
}

enum sn_err sn_poll_add(struct sn_poll *p, struct sn_poll_watch *w)
{
	return (control(p, w, EPOLL_CTL_ADD) == 0 ? SN_OK : SN_EIO);
}

void sn_poll_want(
    struct sn_poll *p, struct sn_poll_watch *w, bool read, bool write)
{
	if (w->read == read && w->write == write)
		return;
	w->read = read;
	w->write = write;
	(void)control(p, w, EPOLL_CTL_MOD);
}

void sn_poll_remove(struct sn_poll *p, struct sn_poll_watch *w)
{
	(void)control(p, w, EPOLL_CTL_DEL);
	for (int i = 0; i < p->count; i++) {
		if (p->events[i].data.ptr == w)
			p->events[i].data.ptr = NULL;
	}
}

enum sn_err sn_poll_turn(struct sn_poll *p, int timeout_ms)
{
	int n = epoll_wait(p->fd, p->events, EVENTS, timeout_ms);

	if (n < 0)
		return (errno == EINTR ? SN_OK : SN_EIO);
	p->count = n;
	for (int i = 0; i < n; i++) {
		struct sn_poll_watch *w = p->events[i].data.ptr;
		uint32_t got = p->events[i].events;
		bool gone = (got & (EPOLLHUP | EPOLLERR)) != 0;

		if (w == NULL)
			continue;
		w->ready(w, (got & EPOLLIN) != 0 || gone,
		    (got & EPOLLOUT) != 0 || gone);
	}
	p->count = 0;
	return (SN_OK);
}
