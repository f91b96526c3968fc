#include "server/net/cursors.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/oplog/db.h"

#define KEY_MAX (DEVICE_FINGERPRINT + SN_NAME_CONSUMER_MAX)
#define FIRST_BUCKETS 64
#define FRESH_CALLS 10
#define FRESH_LISTS 4096 /* A power of two. */

struct cursor {
	struct cursor *next; /* In its bucket. */
	struct cursor *next_dirty;
	struct cursor *next_fresh;
	struct cursors_owner owner; /* session 0: nobody has it. */
	uint64_t seq;
	uint64_t start; /* Where it began: what is before never came. */
	bool dirty;
	unsigned under_way; /* Rows that the log has not answered yet. */
	/* Calls of cursors_store for which readers may still lack its first
	 * row, counted from when it was stored; 0: all have it. */
	unsigned fresh;
	size_t key_len;
	uint8_t key[KEY_MAX];
};

struct cursors {
	pthread_mutex_t lock;
	struct cursor **buckets;
	size_t size; /* A power of two. */
	size_t used;
	struct cursor *dirty, *fresh[FRESH_LISTS];
};

enum sn_err cursors_new(struct cursors **out)
{
	struct cursors *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto err0;
	c->size = FIRST_BUCKETS;
	if ((c->buckets = calloc(c->size, sizeof(*c->buckets))) == NULL)
		goto err1;
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		goto err2;
	*out = c;
	return (SN_OK);

err2:
	free(c->buckets);
err1:
	free(c);
err0:
	return (SN_ENOMEM);
}

void cursors_free(struct cursors *c)
{
	struct cursor *e, *next;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->size; i++) {
		for (e = c->buckets[i]; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(c->buckets);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static size_t bucket(const uint8_t *key, size_t n, size_t size)
{
	uint64_t h;

	/* A fingerprint is random already; the name tells its few apart. */
	memcpy(&h, key, sizeof(h));
	for (size_t i = DEVICE_FINGERPRINT; i < n; i++)
		h = h * 31 + key[i];
	return ((size_t)h & (size - 1));
}

/* Where the device's consumers are that have no row yet. */
static struct cursor **fresh_of(struct cursors *c, const uint8_t *fingerprint)
{
	unsigned h = fingerprint[0] | (unsigned)fingerprint[1] << 8;

	return (&c->fresh[h & (FRESH_LISTS - 1)]);
}

static struct cursor *find(struct cursors *c, const uint8_t *key, size_t n)
{
	struct cursor *e = c->buckets[bucket(key, n, c->size)];

	while (e != NULL && (e->key_len != n || memcmp(e->key, key, n) != 0))
		e = e->next;
	return (e);
}

static void grow(struct cursors *c)
{
	size_t size = 2 * c->size;
	struct cursor **buckets = calloc(size, sizeof(*buckets));
	struct cursor *e, *next;

	if (buckets == NULL)
		return; /* Longer chains are slower, not wrong. */
	for (size_t i = 0; i < c->size; i++) {
		for (e = c->buckets[i]; e != NULL; e = next) {
			size_t b = bucket(e->key, e->key_len, size);

			next = e->next;
			e->next = buckets[b];
			buckets[b] = e;
		}
	}
	free(c->buckets);
	c->buckets = buckets;
	c->size = size;
}

static void mark_dirty(struct cursors *c, struct cursor *e)
{
	if (e->dirty)
		return;
	e->dirty = true;
	e->next_dirty = c->dirty;
	c->dirty = e;
}

/* A row; those of an earlier version do not say where they began. */
static enum sn_err parse(struct sn_bytes value, uint64_t *seq, uint64_t *start)
{
	struct sn_rd r = sn_rd_over(value.p, value.n);

	*seq = sn_rd_u64(&r);
	*start = r.left > 0 ? sn_rd_u64(&r) : 0;
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

/* How many cursors of this device the database has. */
static enum sn_err count(
    struct sn_txn *txn, const uint8_t *fingerprint, unsigned *out)
{
	struct sn_bytes key = { fingerprint, DEVICE_FINGERPRINT }, value;
	struct sn_cursor *walk;
	enum sn_err err;

	*out = 0;
	if ((err = sn_cursor_open(txn, DB_CURSORS, &walk)) != SN_OK)
		return (err);
	err = sn_cursor_seek(walk, key, &key, &value);
	while (err == SN_OK && key.n > DEVICE_FINGERPRINT &&
	       memcmp(key.p, fingerprint, DEVICE_FINGERPRINT) == 0) {
		++*out;
		err = sn_cursor_next(walk, &key, &value);
	}
	sn_cursor_close(walk);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* Whether it is the device's and has no row as far as ${txn} can see. */
static bool is_missing(
    struct sn_txn *txn, const struct cursor *e, const uint8_t *fingerprint)
{
	struct sn_bytes key = { e->key, e->key_len }, value;

	return (memcmp(e->key, fingerprint, DEVICE_FINGERPRINT) == 0 &&
		sn_txn_get(txn, DB_CURSORS, key, &value) == SN_ENOTFOUND);
}

/* And how many more are on their way there. */
static unsigned count_fresh(
    struct cursors *c, struct sn_txn *txn, const uint8_t *fingerprint)
{
	unsigned n = 0;

	for (struct cursor *e = *fresh_of(c, fingerprint); e != NULL;
	     e = e->next_fresh)
		n += is_missing(txn, e, fingerprint);
	return (n);
}

/* Bring a cursor into memory, from the database or new. */
static enum sn_err load(struct cursors *c, struct sn_txn *txn,
    struct sn_bytes key, uint64_t start, unsigned limit, struct cursor **out)
{
	struct sn_bytes value;
	struct cursor *e;
	unsigned have;
	enum sn_err err;
	size_t b;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (SN_ENOMEM);
	memcpy(e->key, key.p, key.n);
	e->key_len = key.n;
	err = sn_txn_get(txn, DB_CURSORS, key, &value);
	if (err == SN_OK) {
		err = parse(value, &e->seq, &e->start);
	} else if (err == SN_ENOTFOUND) {
		err = count(txn, key.p, &have);
		have += count_fresh(c, txn, key.p);
		if (err == SN_OK && have >= limit)
			err = SN_ELIMIT;
		e->fresh = FRESH_CALLS;
		e->seq = e->start = start;
		/* Its row keeps the start, whatever the policy says later. */
		if (err == SN_OK)
			mark_dirty(c, e);
	}
	if (err != SN_OK) {
		free(e);
		return (err);
	}
	if (c->used++ >= c->size)
		grow(c);
	b = bucket(e->key, e->key_len, c->size);
	e->next = c->buckets[b];
	c->buckets[b] = e;
	if (e->fresh > 0) {
		struct cursor **fresh = fresh_of(c, e->key);

		e->next_fresh = *fresh;
		*fresh = e;
	}
	*out = e;
	return (SN_OK);
}

enum sn_err cursors_claim(struct cursors *c, struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT], struct sn_bytes consumer,
    uint64_t start, unsigned limit, bool takeover, struct cursors_owner owner,
    struct cursor **out, struct cursors_owner *former)
{
	uint8_t key[KEY_MAX];
	struct sn_bytes k = { key, DEVICE_FINGERPRINT + consumer.n };
	enum sn_err err = SN_OK;
	struct cursor *e;

	if (consumer.n > SN_NAME_CONSUMER_MAX)
		return (SN_EINVAL);
	memcpy(key, fingerprint, DEVICE_FINGERPRINT);
	memcpy(key + DEVICE_FINGERPRINT, consumer.p, consumer.n);
	pthread_mutex_lock(&c->lock);
	if ((e = find(c, key, k.n)) == NULL)
		err = load(c, txn, k, start, limit, &e);
	if (err == SN_OK && e->owner.session != 0 && !takeover)
		err = SN_EINUSE;
	if (err == SN_OK) {
		*former = e->owner;
		e->owner = owner;
		*out = e;
	}
	pthread_mutex_unlock(&c->lock);
	return (err);
}

void cursors_release(
    struct cursors *c, struct cursor *cursor, struct cursors_owner owner)
{
	pthread_mutex_lock(&c->lock);
	if (cursor->owner.loop == owner.loop &&
	    cursor->owner.session == owner.session)
		cursor->owner.session = 0;
	pthread_mutex_unlock(&c->lock);
}

uint64_t cursors_seq(struct cursors *c, const struct cursor *cursor)
{
	uint64_t seq;

	pthread_mutex_lock(&c->lock);
	seq = cursor->seq;
	pthread_mutex_unlock(&c->lock);
	return (seq);
}

void cursors_ack(struct cursors *c, struct cursor *cursor, uint64_t seq)
{
	pthread_mutex_lock(&c->lock);
	if (seq > cursor->seq) {
		cursor->seq = seq;
		mark_dirty(c, cursor);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Those that have no row yet. */
static void each_fresh(struct cursors *c, struct sn_txn *txn,
    const uint8_t *fingerprint,
    void (*call)(void *arg, uint64_t seq, uint64_t start), void *arg)
{
	pthread_mutex_lock(&c->lock);
	for (struct cursor *e = *fresh_of(c, fingerprint); e != NULL;
	     e = e->next_fresh) {
		if (is_missing(txn, e, fingerprint))
			call(arg, e->seq, e->start);
	}
	pthread_mutex_unlock(&c->lock);
}

enum sn_err cursors_each(struct cursors *c, struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT],
    void (*call)(void *arg, uint64_t seq, uint64_t start), void *arg)
{
	struct sn_bytes key = { fingerprint, DEVICE_FINGERPRINT }, value;
	struct sn_cursor *walk;
	uint64_t seq, start;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_CURSORS, &walk)) != SN_OK)
		return (err);
	err = sn_cursor_seek(walk, key, &key, &value);
	while (err == SN_OK && key.n > DEVICE_FINGERPRINT &&
	       memcmp(key.p, fingerprint, DEVICE_FINGERPRINT) == 0) {
		const struct cursor *e;

		if ((err = parse(value, &seq, &start)) != SN_OK)
			break;
		pthread_mutex_lock(&c->lock);
		if ((e = find(c, key.p, key.n)) != NULL)
			seq = e->seq;
		pthread_mutex_unlock(&c->lock);
		call(arg, seq, start);
		err = sn_cursor_next(walk, &key, &value);
	}
	sn_cursor_close(walk);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	each_fresh(c, txn, fingerprint, call, arg);
	return (SN_OK);
}

/* One dirty cursor as a request; NULL when none is left. */
static struct oplog_request *take_dirty(struct cursors *c)
{
	struct oplog_request *q = NULL;
	struct cursor *e;

	pthread_mutex_lock(&c->lock);
	if ((e = c->dirty) != NULL) {
		struct db_key value = db_key2(e->seq, e->start);

		if (oplog_local_new(DB_CURSORS,
			(struct sn_bytes){ e->key, e->key_len },
			db_bytes(&value), &q) == SN_OK) {
			c->dirty = e->next_dirty;
			e->dirty = false;
			e->under_way++;
		}
	}
	pthread_mutex_unlock(&c->lock);
	return (q);
}

static void settle_in(struct cursor **at)
{
	struct cursor *e;

	while ((e = *at) != NULL) {
		if (!e->dirty && e->under_way == 0 && --e->fresh == 0)
			*at = e->next_fresh;
		else
			at = &e->next_fresh;
	}
}

/* Snapshots taken before a row was stored are gone some calls later. */
static void settle(struct cursors *c)
{
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < FRESH_LISTS; i++)
		settle_in(&c->fresh[i]);
	pthread_mutex_unlock(&c->lock);
}

void cursors_store(struct cursors *c, struct oplog *log)
{
	struct oplog_request *q;

	settle(c);
	while ((q = take_dirty(c)) != NULL) {
		enum sn_err err = oplog_ride(log, q);

		if (err != SN_OK) {
			cursors_stored(
			    c, (struct sn_bytes){ q->data, q->key_len }, err);
			oplog_request_free(q);
			return;
		}
	}
}

void cursors_stored(struct cursors *c, struct sn_bytes key, enum sn_err err)
{
	struct cursor *e;

	pthread_mutex_lock(&c->lock);
	if ((e = find(c, key.p, key.n)) != NULL) {
		e->under_way--;
		if (err != SN_OK)
			mark_dirty(c, e);
	}
	pthread_mutex_unlock(&c->lock);
}
