#include "server/net/room_members.h"

#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/net/sess_error.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/room.h"

enum sn_err room_members_of(
    struct sn_bytes key, uint64_t *room, uint64_t *account)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);

	*room = sn_rd_u64(&r);
	*account = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

enum sn_err room_members_check(
    struct sess *s, struct sn_txn *txn, const struct listing *l)
{
	struct sn_bytes prefix = listing_prefix(l);
	struct sn_rd r = sn_rd_over(prefix.p, prefix.n);
	struct room_member me;

	return (room_member(txn, sn_rd_u64(&r), s->account, &me));
}

void room_members_begin(struct sess *s, uint64_t ref, struct sn_bytes name,
    const struct listing_kind *kind)
{
	struct room_member me;
	struct sn_txn *txn;
	struct db_key from;
	struct room room;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = room_find(txn, name, &room)) != SN_OK ||
	    (err = room_member(txn, room.id, s->account, &me)) != SN_OK) {
		sess_error_of(s, ref, err);
		return;
	}
	from = db_key1(room.id);
	listing_begin(s, ref, kind, db_bytes(&from));
}

static enum sn_err show(struct sess *s, struct sn_txn *txn,
    const struct listing *l, struct sn_bytes key, bool *shown)
{
	struct sn_frame_member f = { .ref = listing_ref(l) };
	struct room_member member;
	struct account account;
	uint64_t room, id;
	struct sn_wr w;
	enum sn_err err;

	if ((err = room_members_of(key, &room, &id)) != SN_OK ||
	    (err = account_get(txn, id, &account)) != SN_OK ||
	    (err = room_member(txn, room, id, &member)) != SN_OK)
		return (err);
	f.account = sn_bytes_of(account.name);
	f.role = sn_bytes_of(member.role == ROOM_OWNER ? "owner" : "member");
	w = sess_put(s, 128);
	sn_frame_put_member(&w, &f);
	sess_put_end(s, &w);
	*shown = true;
	return (SN_OK);
}

static const struct listing_kind members = {
	DB_MEMBERS,
	room_members_check,
	show,
};

void room_members_on_members(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_room_members f;

	if (!sn_frame_get_room_members(frame, &f))
		dispatch_bad(s, frame, "ROOM_MEMBERS needs ref and room");
	else
		room_members_begin(s, f.ref, f.room, &members);
}
