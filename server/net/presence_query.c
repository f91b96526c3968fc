#include "server/net/dispatch.h"
#include "server/net/net_impl.h"
#include "server/net/presence.h"
#include "server/net/room_members.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/net/visible.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/device.h"

/* When an account that is not there was there last. */
static enum sn_err last_seen(
    struct sn_txn *txn, uint64_t account, uint64_t *out)
{
	struct db_key key = db_key1(account);
	struct device d = { .account = account };
	struct device_seen seen;
	bool found;
	enum sn_err err;

	err = db_get_u64(txn, DB_ACCOUNT_SEEN, db_bytes(&key), out);
	if (err == SN_ENOTFOUND)
		*out = 0;
	else if (err != SN_OK)
		return (err);
	/* After a crash its last login is all that is known. */
	while (
	    (err = device_next(txn, account, &d, &found)) == SN_OK && found) {
		device_seen(txn, d.fingerprint, &seen);
		if (seen.time > *out)
			*out = seen.time;
	}
	return (err);
}

static enum sn_err put(
    struct sess *s, struct sn_txn *txn, uint64_t ref, uint64_t id)
{
	enum presence_state state = presence_of(s->loop->net->presence, id);
	struct sn_frame_presence f = { .ref = { true, ref },
		.state = sn_bytes_of(presence_word(state)) };
	struct account account;
	struct sn_wr w;
	enum sn_err err;

	if ((err = account_get(txn, id, &account)) != SN_OK)
		return (err);
	f.account = sn_bytes_of(account.name);
	if (state == PRESENCE_OFFLINE &&
	    (err = last_seen(txn, id, &f.seen.value)) != SN_OK)
		return (err);
	f.seen.set = f.seen.value != 0;
	w = sess_put(s, PRESENCE_FRAME);
	sn_frame_put_presence(&w, &f);
	sess_put_end(s, &w);
	return (SN_OK);
}

/* One member of a room: all of them, or oneself alone. */
static enum sn_err show_member(struct sess *s, struct sn_txn *txn,
    const struct listing *l, struct sn_bytes key, bool *shown)
{
	uint64_t room, id;
	enum sn_err err;

	if ((err = room_members_of(key, &room, &id)) != SN_OK)
		return (err);
	*shown = id == s->account ||
		 s->loop->settings->account.visible != VISIBLE_SELF;
	return (*shown ? put(s, txn, listing_ref(l), id) : SN_OK);
}

static const struct listing_kind members = {
	DB_MEMBERS,
	room_members_check,
	show_member,
};

static enum sn_err put_account(struct sess *s, struct sn_txn *txn,
    const struct sn_frame_presence_get *f, struct sn_frame_end *end)
{
	struct account account;
	enum sn_err err;

	err = visible_account(txn, s->account, f->of,
	    (enum visible_to)s->loop->settings->account.visible, &account);
	if (err == SN_OK)
		err = put(s, txn, f->ref, account.id);
	end->count = err == SN_OK;
	return (err);
}

void presence_query_on_get(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_end end = { .count = 0 };
	struct sn_frame_presence_get f;
	struct sn_txn *txn;
	enum sn_err err;

	if (!sn_frame_get_presence_get(frame, &f)) {
		dispatch_bad(s, frame, "PRESENCE_GET needs ref and target");
		return;
	}
	if (sn_name_room(f.of)) {
		room_members_begin(s, f.ref, f.of, &members);
		return;
	}
	end.ref = f.ref;
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = put_account(s, txn, &f, &end);
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	sess_answer_end(s, &end);
}
