#include "server/net/receipt_post.h"

#include <string.h>

#include "server/net/circular.h"
#include "server/net/followers.h"
#include "server/net/net_impl.h"

struct receipts {
	unsigned count;
	struct receipt_told told[];
};

static void hear(struct sess *s, const void *arg)
{
	const struct receipt_told *t = arg;

	if ((s->features & SN_FEATURE_RECEIPTS) && s->state == SESS_READY &&
	    sess_room(s))
		sess_put_bytes(s, (struct sn_bytes){ t->frame, t->n });
}

static void read_all(struct loop *loop, const void *paper)
{
	const struct receipts *r = paper;

	for (unsigned i = 0; i < r->count; i++) {
		const struct receipt_told *t = &r->told[i];

		if (t->account != 0)
			followers_of_account(loop, t->account, hear, t);
		else
			followers_of_room(loop, t->room, hear, t);
	}
}

void receipt_post_send(struct receipt_post *p)
{
	size_t bytes = p->count * sizeof(*p->told);
	struct circular *c;
	struct receipts *r;

	if (p->count == 0)
		return;
	c = circular_new(p->loop->net, sizeof(*r) + bytes, read_all);
	if (c != NULL) {
		r = circular_paper(c);
		r->count = p->count;
		memcpy(r->told, p->told, bytes);
		circular_post(c);
	}
	p->count = 0;
}

void receipt_post_tell(struct receipt_post *p, uint64_t account, uint64_t room,
    const struct sn_frame_receipt *f)
{
	struct receipt_told *t = &p->told[p->count];
	struct sn_wr w = sn_wr_over(t->frame, sizeof(t->frame));

	sn_frame_put_receipt(&w, f);
	if (w.bad)
		return;
	t->account = account;
	t->room = room;
	t->n = w.n;
	if (++p->count == RECEIPT_POST_MOST)
		receipt_post_send(p);
}
