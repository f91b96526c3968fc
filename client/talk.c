#include "client/talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sn_err talk_new(const char *name, struct talk **out)
{
	struct talk *talk = calloc(1, sizeof(*talk));

	if (talk == NULL)
		return (SN_ENOMEM);
	(void)snprintf(talk->name, sizeof(talk->name), "%s", name);
	talk->opened = TALK_NOT;
	*out = talk;
	return (SN_OK);
}

static void message_free(struct talk_message *m)
{
	free(m->why);
	free(m);
}

void talk_free(struct talk *talk)
{
	if (talk == NULL)
		return;
	for (size_t i = 0; i < talk->count; i++)
		message_free(talk->all[i]);
	free(talk->all);
	free(talk->draft);
	free(talk);
}

bool talk_is_room(const struct talk *talk)
{
	return (talk->name[0] == '#');
}

/* Put ${m} in at ${at}; takes it. */
static enum sn_err put(struct talk *talk, size_t at, struct talk_message *m)
{
	struct talk_message **all = talk->all;

	if (talk->count == talk->room) {
		size_t room = talk->room * 2 + 32;

		all = reallocarray(all, room, sizeof(struct talk_message *));
		if (all == NULL) {
			message_free(m);
			return (SN_ENOMEM);
		}
		talk->all = all;
		talk->room = room;
	}
	memmove(all + at + 1, all + at, (talk->count - at) * sizeof(*all));
	all[at] = m;
	talk->count++;
	talk->bytes += m->n;
	return (SN_OK);
}

static struct talk_message *take(struct talk *talk, size_t at)
{
	struct talk_message *m = talk->all[at];

	talk->count--;
	memmove(talk->all + at, talk->all + at + 1,
	    (talk->count - at) * sizeof(struct talk_message *));
	talk->bytes -= m->n;
	return (m);
}

static void drop(struct talk *talk, size_t at)
{
	struct talk_message *m = take(talk, at);

	if (talk->anchor == m)
		talk->anchor = NULL;
	message_free(m);
}

/* Where ${seq} is, or would have to be. */
static size_t place(const struct talk *talk, uint64_t seq)
{
	size_t low = 0, high = talk->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t there = talk->all[middle]->seq;

		if (there != 0 && there < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return (low);
}

static struct talk_message *message(struct sn_bytes from, struct sn_bytes body)
{
	struct talk_message *m = calloc(1, sizeof(*m) + body.n + 1);

	if (m == NULL)
		return (NULL);
	sn_bytes_text(from, m->from, sizeof(m->from));
	sn_bytes_text(sn_bytes_of("text/plain"), m->type, sizeof(m->type));
	m->n = body.n;
	if (body.n > 0)
		memcpy(m->body, body.p, body.n);
	return (m);
}

/* One of ours without a seq, by its SEND or by its id; count: none. */
static size_t ours(const struct talk *talk, uint32_t ref, const uint8_t *id)
{
	size_t i = talk->count;

	while (i > 0 && talk->all[i - 1]->seq == 0) {
		const struct talk_message *m = talk->all[--i];

		if (id != NULL ? memcmp(m->id, id, sizeof(m->id)) == 0
			       : m->ref == ref && m->state == TALK_WAITING)
			return (i);
	}
	return (talk->count);
}

/* One of ours has got its place. */
static void settle(struct talk *talk, size_t i, uint64_t seq, uint64_t time)
{
	struct talk_message *m = talk->all[i];
	size_t at = place(talk, seq);

	if (m->state == TALK_WAITING)
		talk->waiting--;
	if (at < talk->count && talk->all[at]->seq == seq) {
		drop(talk, i);
		return;
	}
	m->seq = seq;
	m->time = time;
	m->state = TALK_STORED;
	memmove(talk->all + at + 1, talk->all + at, (i - at) * sizeof(m));
	talk->all[at] = m;
}

static void ends_with(struct talk *talk, uint64_t expires)
{
	if (expires != 0 && (talk->ends == 0 || expires < talk->ends))
		talk->ends = expires;
}

enum sn_err talk_add(
    struct talk *talk, const struct sn_frame_deliver *d, bool own)
{
	size_t at = place(talk, d->seq), i;
	struct talk_message *m;

	if (at < talk->count && talk->all[at]->seq == d->seq)
		return (SN_OK);
	if (own && (i = ours(talk, 0, d->id)) < talk->count) {
		settle(talk, i, d->seq, d->time);
		return (SN_OK);
	}
	if ((m = message(d->from, d->body)) == NULL)
		return (SN_ENOMEM);
	m->state = TALK_STORED;
	m->seq = d->seq;
	m->time = d->time;
	m->expires = d->expires;
	ends_with(talk, d->expires);
	m->own = own;
	memcpy(m->id, d->id, sizeof(m->id));
	sn_bytes_text(d->content_type, m->type, sizeof(m->type));
	return (put(talk, at, m));
}

enum sn_err talk_note(
    struct talk *talk, uint64_t seq, uint64_t time, const char *text)
{
	size_t at = place(talk, seq);
	struct talk_message *m;

	if (at < talk->count && talk->all[at]->seq == seq)
		return (SN_OK);
	m = message(sn_bytes_of(""), sn_bytes_of(text));
	if (m == NULL)
		return (SN_ENOMEM);
	m->state = TALK_NOTE;
	m->seq = seq;
	m->time = time;
	return (put(talk, at, m));
}

enum sn_err talk_say(struct talk *talk, uint32_t ref,
    const uint8_t id[SN_FRAME_ID], const char *me, uint64_t time,
    struct sn_bytes body)
{
	struct talk_message *m = message(sn_bytes_of(me), body);

	if (m == NULL)
		return (SN_ENOMEM);
	for (size_t i = talk->count; i > 0 && talk->all[i - 1]->seq == 0; i--) {
		if (talk->all[i - 1]->state == TALK_REFUSED)
			drop(talk, i - 1);
	}
	m->state = TALK_WAITING;
	m->own = true;
	m->ref = ref;
	m->time = time;
	memcpy(m->id, id, sizeof(m->id));
	talk->waiting++;
	return (put(talk, talk->count, m));
}

bool talk_stored(struct talk *talk, const struct sn_frame_stored *stored)
{
	size_t i;

	if (talk->waiting == 0 ||
	    (i = ours(talk, (uint32_t)stored->ref, NULL)) == talk->count)
		return (false);
	settle(talk, i, stored->seq, stored->time);
	return (true);
}

bool talk_refused(struct talk *talk, uint32_t ref, const char *why)
{
	size_t i;

	if (talk->waiting == 0 || (i = ours(talk, ref, NULL)) == talk->count)
		return (false);
	talk->waiting--;
	talk->all[i]->state = TALK_REFUSED;
	talk->all[i]->why = strdup(why);
	return (true);
}

struct talk_peer *talk_peer(struct talk *talk, struct sn_bytes name)
{
	struct talk_peer *p;

	for (size_t i = 0; i < talk->peer_count; i++) {
		p = talk->peers + i;
		if (sn_bytes_equal(name, sn_bytes_of(p->name)))
			return (p);
	}
	if (talk->peer_count == TALK_PEERS)
		return (NULL);
	p = talk->peers + talk->peer_count++;
	memset(p, 0, sizeof(*p));
	sn_bytes_text(name, p->name, sizeof(p->name));
	return (p);
}

void talk_forget(struct talk *talk, struct sn_bytes name)
{
	for (size_t i = 0; i < talk->peer_count; i++) {
		if (!sn_bytes_equal(name, sn_bytes_of(talk->peers[i].name)))
			continue;
		talk->peers[i] = talk->peers[--talk->peer_count];
		return;
	}
}

void talk_read(struct talk *talk, uint64_t seq)
{
	if (seq > talk->read)
		talk->read = seq;
}

size_t talk_unread(const struct talk *talk, bool *more)
{
	size_t n = 0, i = talk->count;
	uint64_t last = talk->told > talk->read ? talk->told : talk->read;

	*more = false;
	if (!talk->read_known)
		return (0);
	for (; i > 0 &&
	       (talk->all[i - 1]->seq == 0 || talk->all[i - 1]->seq > last);
	     i--)
		n += talk->all[i - 1]->state == TALK_STORED &&
		     !talk->all[i - 1]->own;
	*more = n > 0 && i == 0 && talk->more;
	return (n);
}

uint64_t talk_first(const struct talk *talk)
{
	return (talk->count > 0 ? talk->all[0]->seq : 0);
}

uint64_t talk_last(const struct talk *talk)
{
	for (size_t i = talk->count; i > 0; i--) {
		if (talk->all[i - 1]->seq != 0)
			return (talk->all[i - 1]->seq);
	}
	return (0);
}

bool talk_full(const struct talk *talk)
{
	return (talk->count >= TALK_MOST || talk->bytes >= TALK_MOST_BYTES);
}

bool talk_has(const struct talk *talk, uint64_t seq)
{
	size_t at = place(talk, seq);

	return (at < talk->count && talk->all[at]->seq == seq);
}

void talk_trim(struct talk *talk, bool shown)
{
	size_t most = shown ? TALK_MOST : TALK_KEPT, gone = 0;
	size_t bytes = shown ? TALK_MOST_BYTES : TALK_KEPT_BYTES;

	if (shown && talk->anchor != NULL) {
		most *= 2;
		bytes *= 2;
	}
	while (gone < talk->count && talk->all[gone]->seq != 0 &&
	       (talk->count - gone > most || talk->bytes > bytes)) {
		if (talk->all[gone] == talk->anchor)
			talk->anchor = NULL;
		talk->bytes -= talk->all[gone]->n;
		message_free(talk->all[gone++]);
	}
	if (gone == 0)
		return;
	talk->count -= gone;
	memmove(talk->all, talk->all + gone,
	    talk->count * sizeof(struct talk_message *));
	talk->more = true;
}

void talk_expire(struct talk *talk, uint64_t now)
{
	if (talk->ends == 0 || talk->ends > now)
		return;
	talk->ends = 0;
	for (size_t i = talk->count; i > 0; i--) {
		uint64_t expires = talk->all[i - 1]->expires;

		if (expires != 0 && expires <= now)
			drop(talk, i - 1);
		else
			ends_with(talk, expires);
	}
}

void talk_clear(struct talk *talk)
{
	while (talk->count > 0 && talk->all[0]->seq != 0)
		drop(talk, 0);
	talk->read = talk->told = 0;
	talk->opened = TALK_NOT;
	talk->read_known = talk->more = talk->asked_older = false;
	for (size_t i = 0; i < talk->peer_count; i++)
		talk->peers[i].delivered = talk->peers[i].read = 0;
}

const char *talk_mark(const struct talk *talk, size_t i, char *out, size_t size)
{
	const struct talk_message *m = talk->all[i];
	unsigned got = 0, read = 0;

	(void)snprintf(out, size, "%s",
	    !m->own                    ? ""
	    : m->state == TALK_WAITING ? "sending"
	    : m->state == TALK_STORED  ? "stored"
				       : "");
	if (!m->own || m->state != TALK_STORED)
		return (out);
	for (size_t j = 0; j < talk->peer_count; j++) {
		const struct talk_peer *p = talk->peers + j;

		got += p->delivered >= m->seq || p->read >= m->seq;
		read += p->read >= m->seq;
	}
	if (got == 0)
		return (out);
	if (!talk_is_room(talk))
		(void)snprintf(
		    out, size, "%s", read > 0 ? "read" : "delivered");
	else if ((read > 0 ? read : got) + 1 >= talk->members &&
		 talk->members > 1)
		(void)snprintf(
		    out, size, "%s all", read > 0 ? "read by" : "delivered to");
	else
		(void)snprintf(out, size, "%s %u",
		    read > 0 ? "read by" : "delivered to",
		    read > 0 ? read : got);
	return (out);
}
