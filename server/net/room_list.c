#include "server/net/dispatch.h"
#include "server/net/listing.h"
#include "server/oplog/db.h"
#include "server/oplog/room.h"

static void put_room(
    struct sess *s, uint64_t ref, const struct room *room, bool joined)
{
	struct sn_frame_room f = {
		.ref = ref,
		.room = sn_bytes_of(room->name),
		.topic = sn_bytes_of(room->topic),
		.open = room->open,
		.members = room->members,
		.joined = joined,
		.history = room->history,
	};
	struct sn_wr w = sess_put(s, 512);

	sn_frame_put_room(&w, &f);
	sess_put_end(s, &w);
}

/* A room of this name, when this account may see it. */
static enum sn_err show(struct sess *s, struct sn_txn *txn,
    const struct listing *l, struct sn_bytes name, bool *shown)
{
	struct room_member member;
	struct room room;
	enum sn_err is, err;

	if ((err = room_find(txn, name, &room)) != SN_OK)
		return (err);
	is = room_member(txn, room.id, s->account, &member);
	if (is != SN_OK && is != SN_ENOTFOUND)
		return (is);
	*shown = is == SN_OK || room.open;
	if (*shown)
		put_room(s, listing_ref(l), &room, is == SN_OK);
	return (SN_OK);
}

static const struct listing_kind all_rooms = { DB_ROOM_NAMES, NULL, show };

void room_list_on_list(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_room_list f;

	if (!sn_frame_get_room_list(frame, &f))
		dispatch_bad(s, frame, "ROOM_LIST needs a ref");
	else
		listing_begin(
		    s, f.ref, &all_rooms, (struct sn_bytes){ NULL, 0 });
}
