#include "server/net/follow.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/backlog.h"
#include "server/net/cursors.h"
#include "server/oplog/db.h"
#include "server/net/dispatch.h"
#include "server/net/followers.h"
#include "server/net/loop.h"
#include "server/oplog/message.h"
#include "server/net/net_impl.h"
#include "server/net/receipt_delivered.h"
#include "server/net/sweeper.h"
#include "server/net/sess_error.h"
#include "server/net/sess_work.h"
#include "server/net/settle.h"
#include "server/net/takeover.h"

#define TURN_BYTES 65536

static bool has_credit(const struct sess_follow *f)
{
	return (f->sent_frames < f->credit_frames &&
		f->sent_bytes < f->credit_bytes);
}

static void count_sent(struct sess *s, size_t bytes, uint64_t seq)
{
	s->follow.sent_frames++;
	s->follow.sent_bytes += bytes;
	s->follow.position = seq;
	s->messages_out++;
}

void follow_live(struct sess *s, const struct oplog_request *q)
{
	struct sess_follow *f = &s->follow;

	if (s->state != SESS_READY || !f->live || q->applied.seq <= f->position)
		return;
	if (!has_credit(f) || !sess_room(s)) {
		/* From now on it is behind, and the log keeps its place. */
		f->live = false;
		return;
	}
	count_sent(s, q->frame.n, q->applied.seq);
	sess_put_bytes(s, q->frame);
}

/* Where a device that was never here begins: the policy's age ago. */
static enum sn_err first_position(
    struct sess *s, struct sn_txn *txn, uint64_t *out)
{
	uint64_t now = sn_clock_wall_ms();
	uint64_t age = s->loop->settings->account.new_device_history;

	return (message_before(txn, now > age ? now - age : 0, out));
}

/* *${took}: another session had the cursor, and is told that it has not. */
static enum sn_err claim(struct sess *s, const struct sn_frame_sync *f,
    struct sn_txn *txn, bool *took)
{
	struct cursors_owner owner = { s->loop->index, s->id }, former;
	unsigned most = (unsigned)s->loop->settings->account.consumers_max;
	struct takeover *takeover = NULL;
	uint64_t start;
	enum sn_err err;

	/* First: without it two sessions would have the cursor. */
	if ((f->takeover && (err = takeover_new(&takeover)) != SN_OK) ||
	    (err = first_position(s, txn, &start)) != SN_OK ||
	    (err = cursors_claim(s->loop->net->cursors, txn,
		 s->peer->fingerprint, f->consumer, start, most, f->takeover,
		 owner, &s->follow.cursor, &former)) != SN_OK) {
		takeover_free(takeover);
		return (err);
	}
	*took = former.session != 0;
	if (*took)
		takeover_post(takeover, s->loop->net, former);
	else
		takeover_free(takeover);
	return (SN_OK);
}

static void synced(struct sess *s, uint64_t ref, uint64_t head)
{
	struct sn_frame_synced f = { .ref = ref, .head = head };
	struct sn_wr w = sess_put(s, 64);

	f.cursor = cursors_seq(s->loop->net->cursors, s->follow.cursor);
	s->follow.position = f.cursor;
	receipt_delivered_synced(s, f.cursor);
	sn_frame_put_synced(&w, &f);
	sess_put_end(s, &w);
	sess_again(s);
}

/* Whether anybody wants to hear of something costs one look. */
static void want(struct sess *s, bool on)
{
	struct net *net = s->loop->net;
	struct {
		uint64_t feature;
		atomic_uint *count;
	} const all[] = {
		{ SN_FEATURE_RECEIPTS, &net->receipts_wanted },
		{ SN_FEATURE_SIGNALS, &net->signals_wanted },
		{ SN_FEATURE_PRESENCE, &net->presence_wanted },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (s->features & all[i].feature)
			atomic_fetch_add(all[i].count, on ? 1U : -1U);
	}
}

static enum sn_err begin(struct sess *s, struct sn_txn *txn)
{
	enum sn_err err = SN_OK;

	if (!s->following)
		err = followers_add(s->loop, txn, s);
	if (err != SN_OK || s->following)
		return (err);
	s->following = true;
	want(s, true);
	return (SN_OK);
}

void follow_ready(struct sess *s)
{
	struct sn_txn *txn;
	enum sn_err err;

	presence_enter(s);
	if (s->features == 0)
		return;
	if ((err = loop_read_fresh(s->loop, &txn)) == SN_OK)
		err = begin(s, txn);
	if (err == SN_OK)
		return;
	sn_log(SN_WARN, "follow.failed", "sess=%llu error=%s",
	    (unsigned long long)s->id, sn_err_name(err));
	sess_bye(s, "internal", "the server failed; its log says why");
}

static void release(struct sess *s)
{
	struct cursors_owner owner = { s->loop->index, s->id };

	if (s->follow.cursor == NULL)
		return;
	cursors_release(s->loop->net->cursors, s->follow.cursor, owner);
	s->follow.cursor = NULL;
	s->follow.live = false;
}

void follow_on_sync(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_sync f;
	struct sn_txn *txn;
	uint64_t head;
	bool took;
	enum sn_err err;

	if (!sn_frame_get_sync(frame, &f) || !sn_name_consumer(f.consumer)) {
		dispatch_bad(s, frame,
		    "SYNC needs ref, consumer, frames, bytes, takeover");
		return;
	}
	if (s->follow.cursor != NULL) {
		sess_error(
		    s, &f.ref, "bad-state", "this session has had its SYNC");
		return;
	}
	if ((err = loop_read_fresh(s->loop, &txn)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LAST_SEQ, &head)) != SN_OK ||
	    (err = claim(s, &f, txn, &took)) != SN_OK) {
		if (err == SN_ELIMIT)
			limits_error(s, f.ref, LIMITS_CONSUMERS);
		else
			sess_error_of(s, f.ref, err);
		return;
	}
	if (s->surplus && !took) {
		release(s);
		allowance_end(s);
		return;
	}
	if (s->surplus)
		allowance_settle(s);
	s->follow.live = false;
	s->follow.credit_frames = f.frames;
	s->follow.credit_bytes = f.bytes;
	if ((err = begin(s, txn)) != SN_OK) {
		release(s);
		sess_error_of(s, f.ref, err);
		return;
	}
	synced(s, f.ref, head);
}

void follow_on_ack(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_ack f;

	if (!sn_frame_get_ack(frame, &f)) {
		dispatch_bad(s, frame, "ACK needs a sequence");
		return;
	}
	if (s->follow.cursor == NULL) {
		sess_error(s, NULL, "bad-state", "ACK comes after SYNC");
		return;
	}
	/* What was never sent cannot have been processed. */
	if (f.seq > s->follow.position)
		f.seq = s->follow.position;
	cursors_ack(s->loop->net->cursors, s->follow.cursor, f.seq);
	if (atomic_load_explicit(
		&s->loop->net->receipts_wanted, memory_order_relaxed) != 0)
		receipt_delivered_acked(s, f.seq);
}

void follow_on_credit(struct sess *s, const struct sn_frame *frame)
{
	struct sess_follow *f = &s->follow;
	struct sn_frame_credit credit;

	if (!sn_frame_get_credit(frame, &credit)) {
		dispatch_bad(s, frame, "CREDIT needs frames and bytes");
		return;
	}
	if (f->cursor == NULL) {
		sess_error(s, NULL, "bad-state", "CREDIT comes after SYNC");
		return;
	}
	if (credit.frames > f->credit_frames)
		f->credit_frames = credit.frames;
	if (credit.bytes > f->credit_bytes)
		f->credit_bytes = credit.bytes;
	/* sess_work feeds when it has read what came with this. */
}

/* One stored message to the session; damage is told and passed over. */
static enum sn_err deliver(struct sess *s, struct sn_txn *txn, uint64_t seq)
{
	struct message m;
	struct sn_wr w;
	enum sn_err err;

	err = message_get(txn, seq, &m);
	if (err == SN_ECORRUPT || err == SN_ENEWER || err == SN_ENOTFOUND) {
		sn_log(SN_ALARM, "record.damaged",
		    "table=log seq=%llu "
		    "error=%s",
		    (unsigned long long)seq, sn_err_name(err));
		s->follow.position = seq;
		return (SN_OK);
	}
	if (err != SN_OK)
		return (err);
	if (message_expired(&m, sweeper_now(s->loop->net->sweeper))) {
		s->follow.position = seq;
		return (SN_OK);
	}
	w = sess_put(s, m.tail.n + SN_FRAME_AROUND);
	sn_frame_put_deliver_tail(&w, seq, m.tail, m.expires);
	count_sent(s, w.n, seq);
	sess_put_end(s, &w);
	return (SN_OK);
}

/* Until nothing is left, credit or room is out, or the turn's share is. */
static enum sn_err feed(struct sess *s, struct sn_txn *txn, bool *done)
{
	struct sess_follow *f = &s->follow;
	uint64_t until = f->sent_bytes + TURN_BYTES, seq;
	struct backlog *backlog;
	enum sn_err err;

	*done = false;
	if ((err = backlog_open(txn, s->account, f->position, &backlog)) !=
	    SN_OK)
		return (err);
	while (has_credit(f) && sess_room(s) && s->state == SESS_READY) {
		if (f->sent_bytes >= until) {
			sess_again(s);
			break;
		}
		err = backlog_next(backlog, &seq);
		if (err == SN_ENOTFOUND) {
			*done = true;
			err = SN_OK;
			break;
		}
		if (err != SN_OK || (err = deliver(s, txn, seq)) != SN_OK)
			break;
	}
	backlog_close(backlog);
	return (err);
}

void follow_feed(struct sess *s)
{
	struct sess_follow *f = &s->follow;
	struct sn_txn *txn;
	uint64_t head;
	enum sn_err err;
	bool done;

	if (s->state != SESS_READY || f->cursor == NULL || f->live ||
	    !has_credit(f) || !sess_room(s))
		return;
	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LAST_SEQ, &head)) != SN_OK ||
	    (err = feed(s, txn, &done)) != SN_OK) {
		sn_log(SN_WARN, "deliver.failed", "sess=%llu error=%s",
		    (unsigned long long)s->id, sn_err_name(err));
		sess_bye(s, "internal", "the server failed; its log says why");
		return;
	}
	if (!done || s->state != SESS_READY)
		return;
	/*
	 * Caught up with this snapshot.  Batches that it does not hold are
	 * still to be told, unless they were before it was taken.
	 */
	if (head < s->loop->head) {
		if (oplog_settled(s->loop->net->log, s->loop->head))
			sess_again(s);
		else
			settle_wait(s);
		return;
	}
	if (f->position < head)
		f->position = head;
	f->live = true;
}

void follow_stop(struct sess *s)
{
	presence_leave(s);
	allowance_leave(s);
	receipt_delivered_stop(s);
	release(s);
	if (!s->following)
		return;
	followers_remove(s->loop, s);
	s->following = false;
	want(s, false);
}
