#include "client/core_internal.h"

#include <stdio.h>
#include <string.h>

#include "client/position.h"
#include "lib/clock.h"

static void position_place(const struct core *core, struct position_place *out)
{
	*out = (struct position_place){ .dir = core->config.state_dir,
		.consumer = core->consumer,
		.host = core->config.host,
		.server = core->welcome.server,
		.account = core->welcome.account };
}

static void begin(struct core *core, bool takeover)
{
	core->sync_ref = core_session_ref(core);
	core->synced = false;
	core->seen = core->acked = core->acked_at = 0;
	core->got_frames = core->got_bytes = 0;
	core->granted_frames = CORE_WINDOW_FRAMES;
	core->granted_bytes = CORE_WINDOW_BYTES;
	CORE_PUT(core, sync, .ref = core->sync_ref,
	    .consumer = sn_bytes_of(core->consumer),
	    .frames = core->granted_frames, .bytes = core->granted_bytes,
	    .takeover = takeover);
}

void core_sync(struct core *core, const char *consumer, bool takeover)
{
	struct position_place place;

	(void)snprintf(core->consumer, sizeof(core->consumer), "%s", consumer);
	core->position = 0;
	if (core->config.state_dir != NULL) {
		position_place(core, &place);
		core->position = position_load(&place);
	}
	core->stored = core->position;
	begin(core, takeover);
}

void core_sync_again(struct core *core)
{
	/* The session that still holds the consumer is our own, lost. */
	if (core->consumer[0] != '\0')
		begin(core, true);
}

enum core_step core_sync_synced(struct core *core, struct core_event *ev)
{
	ev->type = CORE_SYNCED;
	core->synced = true;
	core->acked = ev->synced.cursor;
	if (ev->synced.head < core->position) {
		/* The server's log ends before what we know: it was set back
		 * to an older state, and numbers begin anew there. */
		ev->again = true;
		(void)sn_why(&ev->why, SN_ECORRUPT,
		    "the server's log ends before what this device has seen "
		    "already; it may have been restored from a backup. "
		    "Messages may come twice, or be lost there");
		core->position = core->stored = ev->synced.cursor;
	}
	return (CORE_STEP_EVENT);
}

/* Whether half of what the server may send has come. */
static bool wants_more(const struct core *core)
{
	return (
	    core->got_frames + CORE_WINDOW_FRAMES / 2 > core->granted_frames ||
	    core->got_bytes + CORE_WINDOW_BYTES / 2 > core->granted_bytes);
}

enum core_step core_sync_deliver(
    struct core *core, size_t size, struct core_event *ev)
{
	uint64_t seq = ev->message.seq;
	bool known = seq <= core->position || seq <= core->seen;
	bool over =
	    ev->message.expires != 0 && ev->message.expires <= core_now(core);

	core->got_frames++;
	core->got_bytes += size;
	if (seq > core->seen)
		core->seen = seq;
	if (known || over) {
		/* Nobody calls core_handled for this one.  One that is over
		 * the server will not deliver again either. */
		if (wants_more(core))
			core_sync_ack(core);
		return (CORE_STEP_ON);
	}
	ev->type = CORE_MESSAGE;
	return (CORE_STEP_EVENT);
}

/* What was received and is with the user. */
static uint64_t done(const struct core *core)
{
	return (core->position < core->seen ? core->position : core->seen);
}

uint64_t core_sync_due(const struct core *core)
{
	if (core->state != CORE_OPEN || !core->synced ||
	    done(core) <= core->acked)
		return (UINT64_MAX);
	return (core->acked_at == 0 ? 0 : core->acked_at + CORE_ACK_NS);
}

void core_sync_ack(struct core *core)
{
	uint64_t seq = done(core);

	if (core->state != CORE_OPEN || !core->synced)
		return;
	if (seq > core->acked) {
		CORE_PUT(core, ack, .seq = seq);
		core->acked = seq;
		core->acked_at = sn_clock_mono();
	}
	if (!wants_more(core))
		return;
	core->granted_frames = core->got_frames + CORE_WINDOW_FRAMES;
	core->granted_bytes = core->got_bytes + CORE_WINDOW_BYTES;
	CORE_PUT(core, credit, .frames = core->granted_frames,
	    .bytes = core->granted_bytes);
}

enum sn_err core_handled(struct core *core, uint64_t seq, struct sn_why *why)
{
	struct position_place place;
	enum sn_err err;

	if (seq > core->position)
		core->position = seq;
	if (core->config.state_dir != NULL && core->stored < core->position) {
		position_place(core, &place);
		err = position_save(&place, core->position, why);
		if (err != SN_OK)
			return (err);
		core->stored = core->position;
	}
	if (wants_more(core))
		core_sync_ack(core);
	return (SN_OK);
}
