#include "server/net/store_watch.h"

#include "lib/clock.h"
#include "lib/log.h"

#define LOOK_EVERY_MS 5000
#define REMIND_MS 3600000
#define FILL_ALARM 80 /* Per cent. */

void store_watch_look(struct store_watch *w, struct sn_store *store)
{
	uint64_t mono = sn_clock_mono_ms();
	struct sn_store_room room;

	if (mono < w->look_next || sn_store_room(store, &room) != SN_OK)
		return;
	w->look_next = mono + LOOK_EVERY_MS;
	atomic_store(&w->used, room.used);
	atomic_store(&w->free, room.free);
	atomic_store(&w->size, room.size);
	if (room.used < room.size / 100 * FILL_ALARM) {
		w->remind_next = 0;
		return;
	}
	if (mono < w->remind_next)
		return;
	w->remind_next = mono + REMIND_MS;
	sn_log(SN_ALARM, "store.filling",
	    "used=%llu size=%llu what=\"raise store.map_size and restart, or "
	    "keep less: retention.age, retention.bytes; sicherctl store shows "
	    "what uses it\"",
	    (unsigned long long)room.used, (unsigned long long)room.size);
}

static void put(json_t *out, const char *name, uint64_t value)
{
	(void)json_object_set_new(out, name, json_integer((json_int_t)value));
}

void store_watch_status(const struct store_watch *w, json_t *out)
{
	put(out, "store_used", atomic_load(&w->used));
	put(out, "store_free", atomic_load(&w->free));
	put(out, "store_size", atomic_load(&w->size));
}
