#include "client/core_internal.h"

#include <string.h>

#include "client/code.h"
#include "lib/clock.h"

uint32_t core_session_ref(struct core *core)
{
	if (++core->last_ref == 0)
		core->last_ref = 1;
	return (core->last_ref);
}

/* What the server answers or tells. */

static enum core_step on_stored(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	if (!sn_frame_get_stored(frame, &ev->stored))
		return (core_broken(core, ev, frame));
	ev->type = CORE_STORED;
	ev->ref = (uint32_t)ev->stored.ref;
	core_send_answered(core, ev->ref);
	return (CORE_STEP_EVENT);
}

static enum core_step on_error(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_error f;

	if (!sn_frame_get_error(frame, &f))
		return (core_broken(core, ev, frame));
	sn_bytes_text(f.code, ev->code, sizeof(ev->code));
	ev->err = code_why(f.code, f.text, &ev->why);
	ev->type = CORE_REFUSED;
	if (!f.ref.set) {
		ev->type = CORE_NOTICE;
		ev->notice.code = f.code;
		ev->notice.text = f.text;
		return (CORE_STEP_EVENT);
	}
	ev->ref = (uint32_t)f.ref.value;
	ev->retry_ms = f.retry_ms.value;
	if (f.retry_ms.set && core_send_later(core, ev->ref, ev->retry_ms))
		return (CORE_STEP_ON);
	core_send_answered(core, ev->ref);
	if (core->sync_ref != 0 && ev->ref == core->sync_ref)
		ev->ref = 0;
	return (CORE_STEP_EVENT);
}

static enum core_step on_synced(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	if (!sn_frame_get_synced(frame, &ev->synced))
		return (core_broken(core, ev, frame));
	return (core_sync_synced(core, ev));
}

static enum core_step on_deliver(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	if (!core->synced || !sn_frame_get_deliver(frame, &ev->message))
		return (core_broken(core, ev, frame));
	return (core_sync_deliver(core, frame->size, ev));
}

static enum core_step on_item(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_item f;

	if (!sn_frame_get_item(frame, &f))
		return (core_broken(core, ev, frame));
	ev->type = CORE_ITEM;
	ev->ref = (uint32_t)f.ref;
	ev->message = (struct sn_frame_deliver){ .seq = f.seq,
		.time = f.time,
		.to = f.to,
		.from = f.from,
		.device = f.device,
		.content_type = f.content_type,
		.body = f.body,
		.expires = f.expires };
	memcpy(ev->message.id, f.id, sizeof(f.id));
	return (CORE_STEP_EVENT);
}

static enum core_step on_bye(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_bye f;

	if (!sn_frame_get_bye(frame, &f))
		return (core_broken(core, ev, frame));
	sn_bytes_text(f.code, ev->code, sizeof(ev->code));
	ev->err = code_why(f.code, f.text, &ev->why);
	/* It is one session too many: it may do nothing (section 3). */
	if (ev->err == SN_ELIMIT)
		core_send_undone(core);
	return (core_lost(core, ev, code_find(f.code)->comes));
}

static enum core_step on_ping(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_ping f;

	if (!sn_frame_get_ping(frame, &f))
		return (core_broken(core, ev, frame));
	CORE_PUT(core, pong, .nonce = f.nonce);
	return (CORE_STEP_ON);
}

static enum core_step on_pong(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	(void)core;
	(void)frame;
	(void)ev;
	return (CORE_STEP_ON);
}

/* Those whose fields are the event. */
#define PLAIN(lower, UPPER)                                      \
	static enum core_step on_##lower(struct core *core,      \
	    const struct sn_frame *frame, struct core_event *ev) \
	{                                                        \
		if (!sn_frame_get_##lower(frame, &ev->lower))    \
			return (core_broken(core, ev, frame));   \
		ev->type = CORE_##UPPER;                         \
		ev->ref = (uint32_t)ev->lower.ref;               \
		return (CORE_STEP_EVENT);                        \
	}
PLAIN(end, END)
PLAIN(done, DONE)
PLAIN(room, ROOM)
PLAIN(member, MEMBER)
PLAIN(device, DEVICE)
#undef PLAIN

/* Those that answer nothing. */
#define TOLD(lower, UPPER)                                       \
	static enum core_step on_##lower(struct core *core,      \
	    const struct sn_frame *frame, struct core_event *ev) \
	{                                                        \
		if (!sn_frame_get_##lower(frame, &ev->lower))    \
			return (core_broken(core, ev, frame));   \
		ev->type = CORE_##UPPER;                         \
		return (CORE_STEP_EVENT);                        \
	}
TOLD(room_changed, ROOM_CHANGED)
TOLD(signaled, SIGNALED)
#undef TOLD

static enum core_step on_receipt(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	if (!sn_frame_get_receipt(frame, &ev->receipt))
		return (core_broken(core, ev, frame));
	ev->type = CORE_RECEIPT;
	ev->ref = (uint32_t)ev->receipt.ref.value;
	return (CORE_STEP_EVENT);
}

static enum core_step on_presence(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	if (!sn_frame_get_presence(frame, &ev->presence))
		return (core_broken(core, ev, frame));
	ev->type = CORE_PRESENCE;
	ev->ref = (uint32_t)ev->presence.ref.value;
	return (CORE_STEP_EVENT);
}

static enum core_step on_notice(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	if (!sn_frame_get_notice(frame, &ev->notice))
		return (core_broken(core, ev, frame));
	ev->type = CORE_NOTICE;
	return (CORE_STEP_EVENT);
}

enum core_step core_session_frame(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	static enum core_step (*const handlers[SN_FRAME_TYPES])(
	    struct core *, const struct sn_frame *, struct core_event *) = {
		[SN_FRAME_STORED] = on_stored,
		[SN_FRAME_ERROR] = on_error,
		[SN_FRAME_SYNCED] = on_synced,
		[SN_FRAME_DELIVER] = on_deliver,
		[SN_FRAME_ITEM] = on_item,
		[SN_FRAME_END] = on_end,
		[SN_FRAME_DONE] = on_done,
		[SN_FRAME_ROOM] = on_room,
		[SN_FRAME_MEMBER] = on_member,
		[SN_FRAME_RECEIPT] = on_receipt,
		[SN_FRAME_SIGNALED] = on_signaled,
		[SN_FRAME_PRESENCE] = on_presence,
		[SN_FRAME_DEVICE] = on_device,
		[SN_FRAME_ROOM_CHANGED] = on_room_changed,
		[SN_FRAME_NOTICE] = on_notice,
		[SN_FRAME_PING] = on_ping,
		[SN_FRAME_PONG] = on_pong,
		[SN_FRAME_BYE] = on_bye,
	};

	/* What a later version may say is passed over. */
	if (frame->type >= SN_FRAME_TYPES || handlers[frame->type] == NULL)
		return (CORE_STEP_ON);
	return (handlers[frame->type](core, frame, ev));
}
