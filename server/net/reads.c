#include "server/net/reads.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/oplog/db.h"

#define BUCKETS 4096
/* Calls of reads_store after which a stored mark leaves memory.  Until then
 * a reader's snapshot may be older than its row. */
#define LINGER 10

struct mark {
	struct mark *next; /* In its bucket. */
	uint64_t room, account, seq;
	bool dirty;
	unsigned under_way; /* Rows that the log has not answered yet. */
	unsigned age;       /* Calls of reads_store since it was stored. */
};

struct reads {
	pthread_mutex_t lock;
	struct mark *buckets[BUCKETS];
	size_t count;
};

enum sn_err reads_new(struct reads **out)
{
	struct reads *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (SN_ENOMEM);
	if (pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		return (SN_ENOMEM);
	}
	*out = r;
	return (SN_OK);
}

void reads_free(struct reads *r)
{
	struct mark *m, *next;

	if (r == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (m = r->buckets[i]; m != NULL; m = next) {
			next = m->next;
			free(m);
		}
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct mark **bucket(struct reads *r, uint64_t room, uint64_t account)
{
	uint64_t h = (room * 31 + account) * UINT64_C(0x9e3779b97f4a7c15);

	return (&r->buckets[h >> 52]);
}

static struct mark *find(struct reads *r, uint64_t room, uint64_t account)
{
	struct mark *m = *bucket(r, room, account);

	while (m != NULL && (m->room != room || m->account != account))
		m = m->next;
	return (m);
}

static enum sn_err stored(
    struct sn_txn *txn, uint64_t room, uint64_t account, uint64_t *out)
{
	struct db_key key = db_key2(room, account);
	enum sn_err err = db_get_u64(txn, DB_READS, db_bytes(&key), out);

	if (err != SN_ENOTFOUND)
		return (err);
	*out = 0;
	return (SN_OK);
}

enum sn_err reads_get(struct reads *r, struct sn_txn *txn, uint64_t room,
    uint64_t account, uint64_t *out)
{
	const struct mark *m;
	uint64_t seq;
	enum sn_err err;

	if ((err = stored(txn, room, account, &seq)) != SN_OK)
		return (err);
	pthread_mutex_lock(&r->lock);
	m = find(r, room, account);
	*out = m != NULL ? m->seq : seq;
	pthread_mutex_unlock(&r->lock);
	return (SN_OK);
}

/* A mark that is not in memory yet. */
static enum sn_err bring(struct reads *r, uint64_t room, uint64_t account,
    uint64_t seq, struct mark **out)
{
	struct mark **at = bucket(r, room, account), *m;

	if (r->count >= READS_MAX)
		return (SN_EFULL);
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (SN_ENOMEM);
	m->seq = seq;
	m->room = room;
	m->account = account;
	m->next = *at;
	*at = m;
	r->count++;
	*out = m;
	return (SN_OK);
}

enum sn_err reads_mark(struct reads *r, struct sn_txn *txn, uint64_t room,
    uint64_t account, uint64_t seq, bool *moved)
{
	uint64_t before;
	struct mark *m;
	enum sn_err err;

	*moved = false;
	if ((err = stored(txn, room, account, &before)) != SN_OK)
		return (err);
	pthread_mutex_lock(&r->lock);
	if ((m = find(r, room, account)) == NULL && seq > before)
		err = bring(r, room, account, before, &m);
	if (err == SN_OK && m != NULL && seq > m->seq) {
		m->seq = seq;
		m->dirty = *moved = true;
	}
	pthread_mutex_unlock(&r->lock);
	return (err);
}

/* A request with the mark's row; it stays dirty where there is no memory. */
static struct oplog_request *row(struct mark *m)
{
	struct db_key key = db_key2(m->room, m->account);
	struct db_key value = db_key1(m->seq);
	struct oplog_request *q = NULL;

	if (oplog_local_new(DB_READS, db_bytes(&key), db_bytes(&value), &q) !=
	    SN_OK)
		return (NULL);
	m->dirty = false;
	m->under_way++;
	m->age = 0;
	return (q);
}

/* What a bucket has to be written; what has lingered long enough goes. */
static struct oplog_request *sweep(
    struct reads *r, struct mark **at, struct oplog_request *list)
{
	struct oplog_request *q;
	struct mark *m;

	while ((m = *at) != NULL) {
		if (m->dirty && (q = row(m)) != NULL) {
			q->next = list;
			list = q;
		}
		if (m->dirty || m->under_way > 0 || m->age++ < LINGER) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		r->count--;
		free(m);
	}
	return (list);
}

void reads_store(struct reads *r, struct oplog *log)
{
	struct oplog_request *list = NULL, *next;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < BUCKETS && r->count > 0; i++)
		list = sweep(r, &r->buckets[i], list);
	pthread_mutex_unlock(&r->lock);
	for (; list != NULL; list = next) {
		enum sn_err err;

		next = list->next;
		if ((err = oplog_ride(log, list)) == SN_OK)
			continue;
		reads_stored(
		    r, (struct sn_bytes){ list->data, list->key_len }, err);
		oplog_request_free(list);
	}
}

void reads_stored(struct reads *r, struct sn_bytes key, enum sn_err err)
{
	struct sn_rd rd = sn_rd_over(key.p, key.n);
	uint64_t room = sn_rd_u64(&rd), account = sn_rd_u64(&rd);
	struct mark *m;

	pthread_mutex_lock(&r->lock);
	if ((m = find(r, room, account)) != NULL) {
		m->under_way--;
		m->dirty |= err != SN_OK;
	}
	pthread_mutex_unlock(&r->lock);
}
