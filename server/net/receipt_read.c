#include "server/net/receipt_read.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/conversation.h"
#include "server/net/dispatch.h"
#include "server/net/net_impl.h"
#include "server/net/receipt_post.h"
#include "server/net/sess_error.h"
#include "server/oplog/account.h"

#define AGAIN_NS SN_NS_PER_S /* Between two that a session tells at once. */
#define READS_LATER 1024     /* Marks that wait for the loop's second. */

struct read_later {
	struct read_later *next;
	uint64_t room, account;
};

/* How far ${account} has read the room, to those who are in it; in a
 * conversation of two each knows it by the other's name. */
static enum sn_err tell_read(
    struct receipt_post *p, struct sn_txn *txn, uint64_t id, uint64_t account)
{
	struct sn_frame_receipt f = { .kind = sn_bytes_of("read") };
	struct account me, other;
	uint64_t other_id;
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, id, &room)) != SN_OK ||
	    (err = account_get(txn, account, &me)) != SN_OK ||
	    (err = reads_get(p->loop->net->reads, txn, id, account, &f.seq)) !=
		SN_OK)
		return (err);
	f.account = sn_bytes_of(me.name);
	f.with = sn_bytes_of(room.name);
	if (room.kind == ROOM_NAMED)
		receipt_post_tell(p, 0, id, &f);
	if (room.kind != ROOM_DIRECT)
		return (SN_OK);
	other_id = conversation_other(&room, account);
	if ((err = account_get(txn, other_id, &other)) != SN_OK)
		return (err);
	f.with = sn_bytes_of(other.name);
	receipt_post_tell(p, account, 0, &f);
	f.with = sn_bytes_of(me.name);
	if (other_id != account)
		receipt_post_tell(p, other_id, 0, &f);
	return (SN_OK);
}

static void tell_later(struct loop *loop, uint64_t room, uint64_t account)
{
	struct read_later *l = loop->reads_later;

	while (l != NULL && (l->room != room || l->account != account))
		l = l->next;
	if (l != NULL || loop->reads_waiting >= READS_LATER ||
	    (l = malloc(sizeof(*l))) == NULL)
		return;
	*l = (struct read_later){ loop->reads_later, room, account };
	loop->reads_later = l;
	loop->reads_waiting++;
}

static enum sn_err mark(
    struct sess *s, struct sn_txn *txn, uint64_t room, uint64_t seq)
{
	struct net *net = s->loop->net;
	struct receipt_post p = { .loop = s->loop };
	uint64_t head = oplog_head(net->log);
	bool moved;
	enum sn_err err;

	/* What nobody has sent yet cannot have been read. */
	if (seq > head)
		seq = head;
	err = reads_mark(net->reads, txn, room, s->account, seq, &moved);
	if (err != SN_OK || !moved ||
	    atomic_load_explicit(&net->receipts_wanted, memory_order_relaxed) ==
		0)
		return (err);
	if (sn_clock_mono() - s->receipts.read_at < AGAIN_NS) {
		tell_later(s->loop, room, s->account);
		return (SN_OK);
	}
	s->receipts.read_at = sn_clock_mono();
	err = tell_read(&p, txn, room, s->account);
	receipt_post_send(&p);
	return (err);
}

void receipt_read_on_read(struct sess *s, const struct sn_frame *frame)
{
	struct conversation c;
	struct sn_frame_read f;
	struct sn_txn *txn;
	enum sn_err err;

	if (!sn_frame_get_read(frame, &f)) {
		dispatch_bad(s, frame, "READ needs ref, target, sequence");
		return;
	}
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = conversation_find(txn, s->account, f.with, &c);
	if (err == SN_OK && c.room.id != 0 &&
	    c.room.members <= s->loop->settings->limits.small_room)
		err = mark(s, txn, c.room.id, f.seq);
	if (err != SN_OK)
		sess_error_of(s, f.ref, err);
}

void receipt_read_tick(struct loop *loop)
{
	struct receipt_post p = { .loop = loop };
	struct read_later *l = loop->reads_later, *next;
	struct sn_txn *txn;
	enum sn_err err;

	if (loop->stopping)
		return;
	loop->reads_later = NULL;
	loop->reads_waiting = 0;
	for (; l != NULL; l = next) {
		next = l->next;
		if ((err = loop_read(loop, &txn)) != SN_OK ||
		    (err = tell_read(&p, txn, l->room, l->account)) != SN_OK)
			sn_log(SN_WARN, "receipts.failed", "room=%llu error=%s",
			    (unsigned long long)l->room, sn_err_name(err));
		free(l);
	}
	receipt_post_send(&p);
}

void receipt_read_free(struct loop *loop)
{
	struct read_later *next;

	for (struct read_later *l = loop->reads_later; l != NULL; l = next) {
		next = l->next;
		free(l);
	}
	loop->reads_later = NULL;
}
