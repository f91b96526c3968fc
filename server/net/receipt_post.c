#include "server/net/receipt_post.h"

#include <stdlib.h>
#include <string.h>

#include "server/net/followers.h"
#include "server/net/net_impl.h"

struct receipt_mail {
	struct mail mail;
	unsigned count;
	struct receipt_told told[];
};

static void hear(struct sess *s, void *arg)
{
	const struct receipt_told *t = arg;

	if ((s->features & SN_FEATURE_RECEIPTS) && s->state == SESS_READY &&
	    sess_room(s))
		sess_put_bytes(s, (struct sn_bytes){ t->frame, t->n });
}

static void run_mail(void *owner, struct mail *mail)
{
	struct receipt_mail *m = (struct receipt_mail *)mail;
	struct loop *loop = owner;

	for (unsigned i = 0; i < m->count; i++) {
		struct receipt_told *t = &m->told[i];

		if (t->account != 0)
			followers_of_account(loop, t->account, hear, t);
		else
			followers_of_room(loop, t->room, hear, t);
	}
	free(m);
}

void receipt_post_send(struct receipt_post *p)
{
	struct net *net = p->loop->net;

	for (unsigned i = 0; i < net->loop_count && p->count > 0; i++) {
		struct receipt_mail *m =
		    malloc(sizeof(*m) + p->count * sizeof(*m->told));

		if (m == NULL)
			break;
		m->mail.run = run_mail;
		m->count = p->count;
		memcpy(m->told, p->told, p->count * sizeof(*m->told));
		mailbox_post(net->loops[i]->mailbox, &m->mail);
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
