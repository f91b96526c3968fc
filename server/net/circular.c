#include "server/net/circular.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/net/net_impl.h"

struct copy {
	struct mail mail;
	struct circular *circular;
};

/* Behind the copies, one for each loop, lies the paper. */
struct circular {
	const struct net *net;
	circular_read *read;
	atomic_uint holders;
	alignas(max_align_t) struct copy copies[];
};

static size_t paper_at(const struct net *net)
{
	size_t end =
	    sizeof(struct circular) + net->loop_count * sizeof(struct copy);

	return ((end + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1));
}

struct circular *circular_new(
    const struct net *net, size_t size, circular_read *read)
{
	struct circular *c = malloc(paper_at(net) + size);

	if (c == NULL)
		return (NULL);
	c->net = net;
	c->read = read;
	return (c);
}

void *circular_paper(struct circular *c)
{
	return ((char *)c + paper_at(c->net));
}

void circular_free(struct circular *c)
{
	free(c);
}

static void run(void *owner, struct mail *mail)
{
	struct circular *c = ((struct copy *)mail)->circular;

	c->read(owner, circular_paper(c));
	if (atomic_fetch_sub(&c->holders, 1) == 1)
		free(c);
}

void circular_post(struct circular *c)
{
	circular_post_others(c, NULL);
}

void circular_post_others(struct circular *c, const struct loop *but)
{
	const struct net *net = c->net;
	/* The last loop may have read it before this one has posted all. */
	unsigned loops = net->loop_count;

	if (but != NULL && --loops == 0) {
		free(c);
		return;
	}
	atomic_init(&c->holders, loops);
	for (unsigned i = 0, left = loops; left > 0; i++) {
		if (net->loops[i] == but)
			continue;
		left--;
		c->copies[i].mail.run = run;
		c->copies[i].circular = c;
		mailbox_post(net->loops[i]->mailbox, &c->copies[i].mail);
	}
}
