#include "server/base/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	struct sn_poll_watch watch; /* First: ready() is given this. */
	struct sn_poll *poll;
	void *owner;
	pthread_mutex_t lock;
	struct mail *first, **tail;
};

static void run_all(struct mailbox *box)
{
	struct mail *mail, *next;

	pthread_mutex_lock(&box->lock);
	mail = box->first;
	box->first = NULL;
	box->tail = &box->first;
	pthread_mutex_unlock(&box->lock);
	for (; mail != NULL; mail = next) {
		next = mail->next;
		mail->run(box->owner, mail);
	}
}

static void ready(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct mailbox *box = (struct mailbox *)watch;
	uint64_t count;

	(void)can_read;
	(void)can_write;
	/* Before taking the list: what is posted later wakes us again. */
	if (read(watch->fd, &count, sizeof(count)) < 0)
		return;
	run_all(box);
}

enum sn_err mailbox_new(struct sn_poll *poll, void *owner, struct mailbox **out)
{
	struct mailbox *box;
	enum sn_err err = SN_ENOMEM;

	if ((box = calloc(1, sizeof(*box))) == NULL)
		goto err0;
	if (pthread_mutex_init(&box->lock, NULL) != 0)
		goto err1;
	box->watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = SN_EIO;
	if (box->watch.fd < 0)
		goto err2;
	box->poll = poll;
	box->owner = owner;
	box->tail = &box->first;
	box->watch.ready = ready;
	box->watch.read = true;
	if ((err = sn_poll_add(poll, &box->watch)) != SN_OK)
		goto err3;
	*out = box;
	return (SN_OK);

err3:
	(void)close(box->watch.fd);
err2:
	pthread_mutex_destroy(&box->lock);
err1:
	free(box);
err0:
	return (err);
}

void mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	run_all(box);
	sn_poll_remove(box->poll, &box->watch);
	(void)close(box->watch.fd);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
	const uint64_t one = 1;
	bool was_empty;

	mail->next = NULL;
	pthread_mutex_lock(&box->lock);
	was_empty = box->first == NULL;
	*box->tail = mail;
	box->tail = &mail->next;
	pthread_mutex_unlock(&box->lock);
	/* A full counter cannot be: it is read before the list is taken. */
	if (was_empty && write(box->watch.fd, &one, sizeof(one)) < 0)
		abort();
}
