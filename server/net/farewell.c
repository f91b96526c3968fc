#include "server/net/farewell.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/net_impl.h"
#include "server/oplog/db_walk.h"
#include "server/oplog/room.h"

#define LARGE_ROOM 500
#define FAREWELL_NS (200 * SN_NS_PER_MS)

/* One room; false when the log takes no more. */
static bool leave_room(struct net *net, const struct room *room, uint64_t id)
{
	struct op op = { .kind = OP_ROOM_MEMBER, .time = sn_clock_wall_ms() };
	struct oplog_request *q;
	struct applied ignored;

	op.room_member.room = room->id;
	op.room_member.account = op.room_member.by = id;
	op.room_member.change = OP_LEAVE;
	/* Its heir is looked for among all: not of many such in one batch. */
	if (room->members > LARGE_ROOM)
		return (oplog_submit_wait(net->log, &op, &ignored) == SN_OK);
	if (oplog_request_new(&op, &q) != SN_OK)
		return (false);
	q->loop = OPLOG_NO_LOOP;
	q->kind = op.kind;
	if (oplog_submit(net->log, q) == SN_OK)
		return (true);
	oplog_request_free(q);
	return (false);
}

void farewell(struct net *net, uint64_t id)
{
	const uint64_t until = sn_clock_mono() + FAREWELL_NS;
	struct db_walk walk;
	struct sn_txn *txn;
	struct room room;
	uint64_t n;

	if (sn_txn_read(net->store, &txn) != SN_OK)
		return;
	db_walk_open(&walk, txn, DB_ACCOUNT_ROOMS, id, 0);
	while (sn_clock_mono() < until && db_walk_next(&walk, &n) &&
	       room_get(txn, n, &room) == SN_OK) {
		if (room.kind == ROOM_NAMED && !leave_room(net, &room, id))
			break;
	}
	if (db_walk_close(&walk, SN_OK) != SN_OK)
		sn_log(SN_WARN, "account.rooms", "account_id=%llu",
		    (unsigned long long)id);
	sn_txn_abort(txn);
}
