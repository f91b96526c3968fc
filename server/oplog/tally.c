#include "server/oplog/tally.h"

#include <stdlib.h>
#include <string.h>

#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/limit.h"
#include "server/oplog/room.h"

/* The server's own is kept among the rooms: no room has this id. */
#define SERVER_KEY UINT64_MAX

static enum sn_err quota_of(struct sn_txn *txn, struct tally_entry *e)
{
	struct limit limit;
	enum sn_err err;

	if (e->of != USAGE_ACCOUNT || e->quota_known)
		return (SN_OK);
	if ((err = limit_get(txn, USAGE_ACCOUNT, e->id, &limit)) != SN_OK)
		return (err);
	e->quota = limit.bytes;
	e->quota_known = true;
	return (SN_OK);
}

enum sn_err tally_entry(struct tally *t, struct sn_txn *txn, enum usage_of of,
    uint64_t id, struct tally_entry **out)
{
	struct map *map = of == USAGE_ACCOUNT ? &t->accounts : &t->rooms;
	uint64_t key = of == USAGE_SERVER ? SERVER_KEY : id;
	struct tally_entry *e = map_get(map, key);
	enum sn_err err;

	if (e == NULL) {
		if ((e = calloc(1, sizeof(*e))) == NULL)
			return (SN_ENOMEM);
		e->of = of;
		e->id = id;
		if ((err = usage_get(txn, of, id, &e->usage)) != SN_OK ||
		    (err = map_put(map, key, e)) != SN_OK) {
			free(e);
			return (err);
		}
		e->next = t->first;
		t->first = e;
	}
	if ((err = quota_of(txn, e)) != SN_OK)
		return (err);
	*out = e;
	return (SN_OK);
}

static enum sn_err read_active(struct sn_txn *txn, uint64_t account)
{
	struct account a;
	enum sn_err err;

	if ((err = account_get(txn, account, &a)) != SN_OK)
		return (err);
	return (a.state == ACCOUNT_ACTIVE ? SN_OK : SN_EDENIED);
}

enum sn_err tally_active(struct tally *t, struct sn_txn *txn, uint64_t account)
{
	uint64_t *slot = &t->active[account % TALLY_ACTIVE];
	enum sn_err err;

	if (*slot == account && account != 0)
		return (SN_OK);
	if ((err = read_active(txn, account)) == SN_OK)
		*slot = account;
	return (err);
}

enum sn_err tally_direct(struct tally *t, struct sn_txn *txn, uint64_t lower,
    uint64_t higher, uint64_t *room)
{
	struct tally_direct *slot =
	    &t->directs[(lower * 31 + higher) % TALLY_DIRECTS];
	enum sn_err err;

	if (slot->room == 0 || slot->lower != lower || slot->higher != higher) {
		err = room_direct(txn, lower, higher, room);
		if (err != SN_OK)
			return (err);
		*slot = (struct tally_direct){ lower, higher, *room };
	}
	*room = slot->room;
	return (SN_OK);
}

void tally_accounts_changed(struct tally *t)
{
	memset(t->active, 0, sizeof(t->active));
}

void tally_limits_changed(struct tally *t)
{
	for (struct tally_entry *e = t->first; e != NULL; e = e->next)
		e->quota_known = false;
}

uint64_t tally_mark(uint64_t seq, struct sn_bytes record)
{
	uint32_t crc = 0;
	uint64_t x;

	/* A record ends with its checksum. */
	if (record.n >= sizeof(crc))
		memcpy(&crc, (const uint8_t *)record.p + record.n - sizeof(crc),
		    sizeof(crc));
	x = seq * UINT64_C(0x9e3779b97f4a7c15) + crc;
	x = (x ^ (x >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ (x >> 29));
}

void tally_row(struct tally *t, uint64_t seq, struct sn_bytes record, int sign)
{
	uint64_t mark = tally_mark(seq, record);

	t->rows += sign > 0 ? 1 : (uint64_t)-1;
	t->sum += sign > 0 ? mark : (uint64_t)0 - mark;
}

static enum sn_err add(struct sn_txn *txn, const char *name, uint64_t what)
{
	uint64_t value;
	enum sn_err err = db_meta(txn, name, &value);

	return (err != SN_OK ? err : db_meta_set(txn, name, value + what));
}

enum sn_err tally_store(struct tally *t, struct sn_txn *txn)
{
	enum sn_err err;

	for (struct tally_entry *e = t->first; e != NULL; e = e->next) {
		if ((err = usage_put(txn, e->of, e->id, &e->usage)) != SN_OK)
			return (err);
	}
	if (t->rows == 0 && t->sum == 0)
		return (SN_OK);
	if ((err = add(txn, DB_META_LOG_ROWS, t->rows)) != SN_OK)
		return (err);
	return (add(txn, DB_META_LOG_SUM, t->sum));
}

void tally_free(struct tally *t)
{
	struct tally_entry *e, *next;

	for (e = t->first; e != NULL; e = next) {
		next = e->next;
		free(e);
	}
	map_free(&t->accounts);
	map_free(&t->rooms);
	memset(t, 0, sizeof(*t));
}
