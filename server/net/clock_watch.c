#include "server/net/clock_watch.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "server/oplog/db.h"

#define NOTE_EVERY_MS 600000
#define REMIND_MS 3600000

/* The latest time that the database knows: of the last row of the log, or
 * noted since. */
static enum sn_err last_time(struct sn_txn *txn, uint64_t *out)
{
	struct sn_bytes key, row;
	struct sn_cursor *c;
	struct op op;
	enum sn_err err;

	if ((err = db_meta(txn, DB_META_CLOCK, out)) != SN_OK ||
	    (err = sn_cursor_open(txn, DB_LOG, &c)) != SN_OK)
		return (err);
	err = sn_cursor_last(c, &key, &row);
	if (err == SN_OK && op_decode(row, &op) == SN_OK && op.time > *out)
		*out = op.time;
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err clock_watch_open(struct clock_watch *w, struct sn_txn *txn)
{
	uint64_t last;
	enum sn_err err;

	if ((err = last_time(txn, &last)) != SN_OK)
		return (err);
	if (pthread_mutex_init(&w->lock, NULL) != 0)
		return (SN_ENOMEM);
	clock_guard_start(
	    &w->guard, sn_clock_wall_ms(), sn_clock_mono_ms(), last);
	atomic_init(&w->held, w->guard.held);
	return (SN_OK);
}

void clock_watch_close(struct clock_watch *w)
{
	pthread_mutex_destroy(&w->lock);
}

static void note_clock(
    struct clock_watch *w, struct oplog *log, uint64_t wall, uint64_t mono)
{
	struct db_key value = db_key1(wall);

	if (mono < w->note_next)
		return;
	w->note_next = mono + NOTE_EVERY_MS;
	oplog_ride_row(
	    log, DB_META, sn_bytes_of(DB_META_CLOCK), db_bytes(&value));
}

bool clock_watch_look(struct clock_watch *w, struct oplog *log, uint64_t *wall)
{
	bool was = atomic_load(&w->held), good;
	uint64_t mono = sn_clock_mono_ms();

	pthread_mutex_lock(&w->lock);
	*wall = sn_clock_wall_ms();
	good = clock_guard_look(&w->guard, *wall, mono);
	pthread_mutex_unlock(&w->lock);
	atomic_store(&w->held, !good);
	if (good) {
		if (was)
			sn_log(SN_NOTICE, "clock.believed",
			    "what=\"retention and ttl go on\"");
		w->remind_next = 0;
		note_clock(w, log, *wall, mono);
	} else if (mono >= w->remind_next) {
		w->remind_next = mono + REMIND_MS;
		sn_log(SN_ALARM, "clock.leapt",
		    "what=\"the time is a day or more from what it should be: "
		    "nothing is removed until it is set right; if it is right, "
		    "say sicherctl store accept-clock\"");
	}
	return (good);
}

bool clock_watch_accept(struct clock_watch *w)
{
	bool held;

	pthread_mutex_lock(&w->lock);
	held = w->guard.held;
	clock_guard_accept(&w->guard, sn_clock_wall_ms(), sn_clock_mono_ms());
	pthread_mutex_unlock(&w->lock);
	return (held);
}

uint64_t clock_watch_now(const struct clock_watch *w)
{
	return (atomic_load(&w->held) ? 0 : sn_clock_wall_ms());
}

void clock_watch_status(const struct clock_watch *w, json_t *out)
{
	(void)json_object_set_new(
	    out, "clock_held", json_boolean(atomic_load(&w->held)));
}
