#include "server/net/listing.h"

#include <stdlib.h>
#include <string.h>

#include "server/net/loop.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/net/sess_work.h"

#define ROWS_A_TURN 256 /* Looked at, whether they are shown or not. */
#define PREFIX_MAX 8
#define KEY_MAX SN_NAME_ROOM_MAX

struct listing {
	const struct listing_kind *kind;
	uint64_t ref, count;
	size_t prefix, len; /* Bytes of ${last}; only the prefix: not begun. */
	uint8_t last[KEY_MAX];
};

uint64_t listing_ref(const struct listing *l)
{
	return (l->ref);
}

struct sn_bytes listing_prefix(const struct listing *l)
{
	return ((struct sn_bytes){ l->last, l->prefix });
}

void listing_begin(struct sess *s, uint64_t ref,
    const struct listing_kind *kind, struct sn_bytes prefix)
{
	struct listing *l;

	if (prefix.n > PREFIX_MAX) {
		sess_error_of(s, ref, SN_EBUG);
		return;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		sess_error_of(s, ref, SN_ENOMEM);
		return;
	}
	l->kind = kind;
	l->ref = ref;
	l->prefix = l->len = prefix.n;
	if (prefix.n > 0)
		memcpy(l->last, prefix.p, prefix.n);
	s->listing = l;
	sess_again(s);
}

/* The first key behind those that were looked at. */
static enum sn_err go_on(
    const struct listing *l, struct sn_cursor *c, struct sn_bytes *key)
{
	struct sn_bytes last = { l->last, l->len }, value;
	enum sn_err err;

	if (l->len == 0)
		return (sn_cursor_first(c, key, &value));
	err = sn_cursor_seek(c, last, key, &value);
	if (err == SN_OK && l->len > l->prefix && sn_bytes_equal(*key, last))
		err = sn_cursor_next(c, key, &value);
	return (err);
}

static bool is_of(const struct listing *l, struct sn_bytes key)
{
	return (key.n >= l->prefix && memcmp(key.p, l->last, l->prefix) == 0);
}

/* One row; SN_ENOTFOUND when it is not of the list any more. */
static enum sn_err look_at(
    struct sess *s, struct sn_txn *txn, struct sn_bytes key)
{
	struct listing *l = s->listing;
	bool shown = false;
	enum sn_err err;

	if (key.n > sizeof(l->last))
		return (SN_ECORRUPT);
	if (!is_of(l, key))
		return (SN_ENOTFOUND);
	if ((err = l->kind->show(s, txn, l, key, &shown)) != SN_OK)
		/* A row that leads nowhere is no end of the list. */
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	memcpy(l->last, key.p, key.n);
	l->len = key.n;
	l->count += shown;
	return (SN_OK);
}

/* A turn's share; *${done} when no row is left. */
static enum sn_err look(struct sess *s, struct sn_txn *txn, bool *done)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, s->listing->kind->table, &c)) != SN_OK)
		return (err);
	err = go_on(s->listing, c, &key);
	for (unsigned n = 0; err == SN_OK && n < ROWS_A_TURN; n++) {
		if (!sess_room(s) || (err = look_at(s, txn, key)) != SN_OK)
			break;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	*done = err == SN_ENOTFOUND;
	return (*done ? SN_OK : err);
}

static enum sn_err turn(struct sess *s, bool *done)
{
	const struct listing_kind *kind = s->listing->kind;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) != SN_OK)
		return (err);
	if (kind->check != NULL &&
	    (err = kind->check(s, txn, s->listing)) != SN_OK)
		return (err);
	return (look(s, txn, done));
}

static void put_end(struct sess *s)
{
	struct sn_frame_end f = {
		.ref = s->listing->ref,
		.count = s->listing->count,
	};

	sess_answer_end(s, &f);
}

void listing_feed(struct sess *s)
{
	bool done = false;
	enum sn_err err;

	if (s->listing == NULL || !sess_room(s))
		return; /* sess_flush calls again. */
	err = turn(s, &done);
	if (s->state == SESS_CLOSED)
		return;
	if (err != SN_OK)
		sess_error_of(s, s->listing->ref, err);
	else if (done)
		put_end(s);
	if (err != SN_OK || done)
		listing_stop(s);
	/* There is more, or frames behind the request have waited. */
	if (s->listing == NULL || sess_room(s))
		sess_again(s);
}

void listing_stop(struct sess *s)
{
	free(s->listing);
	s->listing = NULL;
}
