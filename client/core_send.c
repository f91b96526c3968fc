#include "client/core_internal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define AROUND 512               /* All of SEND but the body. */
#define QUEUED_MOST (256U << 10) /* Leave the rest in core->sends. */

void core_id(uint8_t id[SN_FRAME_ID])
{
	uint64_t ms = sn_clock_wall_ms();

	sn_secret_random(id, SN_FRAME_ID);
	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(ms >> (40 - 8 * i));
	id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
}

enum sn_err core_send(
    struct core *core, const struct core_message *message, uint32_t *ref)
{
	struct sn_frame_send f = { .to = sn_bytes_of(message->to),
		.content_type = sn_bytes_of(message->type),
		.body = message->body,
		.ttl = message->ttl };
	struct core_outgoing *o;
	struct sn_wr w;

	if (message->body.n > SN_FRAME_BODY_MAX)
		return (SN_ETOOBIG);
	if (core->send_count >= CORE_SENDS)
		return (SN_EFULL);
	if ((o = malloc(sizeof(*o) + AROUND + message->body.n)) == NULL)
		return (SN_ENOMEM);
	w = sn_wr_over(o->frame, AROUND + message->body.n);
	f.ref = core_session_ref(core);
	memcpy(f.id, message->id, sizeof(f.id));
	sn_frame_put_send(&w, &f);
	if (w.bad) {
		free(o);
		return (SN_EINVAL);
	}
	*o = (struct core_outgoing){ .ref = (uint32_t)f.ref, .size = w.n };
	*core->sends_end = o;
	core->sends_end = &o->next;
	core->send_count++;
	*ref = o->ref;
	return (SN_OK);
}

size_t core_sends(const struct core *core)
{
	return (core->send_count);
}

void core_send_flush(struct core *core)
{
	if (core->send_pause > sn_clock_mono())
		return;
	core->send_pause = 0;
	for (struct core_outgoing *o = core->sends; o != NULL; o = o->next) {
		if (o->sent)
			continue;
		if (core->out.len > QUEUED_MOST ||
		    sn_buf_append(&core->out, o->frame, o->size) != SN_OK)
			return;
		o->sent = true;
	}
}

void core_send_again(struct core *core)
{
	for (struct core_outgoing *o = core->sends; o != NULL; o = o->next) {
		o->unsure = o->unsure || o->sent;
		o->sent = false;
	}
}

void core_send_undone(struct core *core)
{
	for (struct core_outgoing *o = core->sends; o != NULL; o = o->next)
		o->sent = false;
}

bool core_unsure(const struct core *core, uint32_t ref)
{
	const struct core_outgoing *o = core->sends;

	while (o != NULL && o->ref != ref)
		o = o->next;
	return (o != NULL && (o->sent || o->unsure));
}

void core_send_answered(struct core *core, uint32_t ref)
{
	struct core_outgoing **at = &core->sends, *o;

	while (*at != NULL && (*at)->ref != ref)
		at = &(*at)->next;
	if ((o = *at) == NULL)
		return;
	*at = o->next;
	if (core->sends_end == &o->next)
		core->sends_end = at;
	core->send_count--;
	free(o);
}

bool core_send_later(struct core *core, uint32_t ref, uint64_t ms)
{
	struct core_outgoing *o = core->sends;

	while (o != NULL && o->ref != ref)
		o = o->next;
	if (o == NULL)
		return (false);
	o->sent = false;
	core->send_pause = sn_clock_mono() + (ms + 1) * SN_NS_PER_MS;
	return (true);
}

void core_send_free(struct core *core)
{
	struct core_outgoing *next;

	for (struct core_outgoing *o = core->sends; o != NULL; o = next) {
		next = o->next;
		free(o);
	}
	core->sends = NULL;
}
