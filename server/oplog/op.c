#include "server/oplog/op.h"

#include <string.h>

#include "server/base/record.h"

#define VERSION 2

/* Of a message.  Version 1 had the first alone, and no expiry. */
#define IS_DIRECT 1
#define HAS_EXPIRY 2

static void put_message(struct sn_wr *w, const struct op_message *m)
{
	sn_wr_u64(w, m->sender);
	sn_wr_u8(w, (uint8_t)((m->direct ? IS_DIRECT : 0) |
			      (m->expires != 0 ? HAS_EXPIRY : 0)));
	sn_wr_u64(w, m->target);
	sn_wr_put(w, m->id, sizeof(m->id));
	if (m->expires != 0)
		sn_wr_u64(w, m->expires);
	sn_wr_u32(w, (uint32_t)m->tail.n);
	sn_wr_put(w, m->tail.p, m->tail.n);
}

static void get_message(struct sn_rd *r, struct op_message *m)
{
	uint8_t flags;

	m->sender = sn_rd_u64(r);
	flags = sn_rd_u8(r);
	m->direct = (flags & IS_DIRECT) != 0;
	m->target = sn_rd_u64(r);
	sn_rd_copy(r, m->id, sizeof(m->id));
	if ((flags & HAS_EXPIRY) != 0)
		m->expires = sn_rd_u64(r);
	m->tail.n = sn_rd_u32(r);
	m->tail.p = sn_rd_take(r, m->tail.n);
}

static void put_limit(struct sn_wr *w, const struct op_limit *l)
{
	sn_wr_u8(w, (uint8_t)l->of);
	sn_wr_u64(w, l->id);
	sn_wr_u8(w, l->set);
	sn_wr_u64(w, l->limit.bytes);
	sn_wr_u64(w, l->limit.age);
}

static void get_limit(struct sn_rd *r, struct op_limit *l)
{
	l->of = sn_rd_u8(r);
	l->id = sn_rd_u64(r);
	l->set = sn_rd_u8(r) != 0;
	l->limit.bytes = sn_rd_u64(r);
	l->limit.age = sn_rd_u64(r);
	if (l->of > USAGE_ROOM)
		r->bad = true;
}

static void put_account(struct sn_wr *w, const struct account *a)
{
	sn_wr_u64(w, a->id);
	sn_wr_u8(w, (uint8_t)a->role);
	sn_wr_blob(w, sn_bytes_of(a->name));
	sn_wr_blob(w, sn_bytes_of(a->display));
	sn_wr_blob(w, (struct sn_bytes){ a->subject, a->subject_len });
}

static void get_account(struct sn_rd *r, struct account *a)
{
	struct sn_bytes subject;

	a->id = sn_rd_u64(r);
	a->role = sn_rd_u8(r);
	sn_rd_text(r, a->name, sizeof(a->name));
	sn_rd_text(r, a->display, sizeof(a->display));
	subject = sn_rd_blob(r);
	if (subject.n > sizeof(a->subject) || a->role > ACCOUNT_OPERATOR) {
		r->bad = true;
		return;
	}
	memcpy(a->subject, subject.p, subject.n);
	a->subject_len = subject.n;
}

static void put_device(struct sn_wr *w, const struct op_device_bind *b)
{
	const struct device *d = &b->device;

	sn_wr_put(w, d->fingerprint, sizeof(d->fingerprint));
	sn_wr_u64(w, d->account);
	sn_wr_u64(w, (uint64_t)d->not_after);
	sn_wr_blob(w, sn_bytes_of(d->serial));
	sn_wr_blob(w, sn_bytes_of(d->issuer));
	sn_wr_blob(w, sn_bytes_of(d->label));
	sn_wr_u64(w, b->limit);
}

static void get_device(struct sn_rd *r, struct op_device_bind *b)
{
	struct device *d = &b->device;

	sn_rd_copy(r, d->fingerprint, sizeof(d->fingerprint));
	d->account = sn_rd_u64(r);
	d->not_after = (int64_t)sn_rd_u64(r);
	sn_rd_text(r, d->serial, sizeof(d->serial));
	sn_rd_text(r, d->issuer, sizeof(d->issuer));
	sn_rd_text(r, d->label, sizeof(d->label));
	b->limit = sn_rd_u64(r);
}

/* What later versions appended; in their rows it is always there. */
static void get_later(struct sn_rd *r, struct op *op)
{
	bool there = r->left > 0;

	if (op->kind == OP_ROOM_CREATE) {
		op->room_create.account_limit =
		    there ? sn_rd_u64(r) : UINT64_MAX;
		op->room_create.history = there && sn_rd_u8(r) != 0;
	} else if (op->kind == OP_ROOM_MEMBER) {
		op->room_member.account_limit =
		    there ? sn_rd_u64(r) : UINT64_MAX;
	}
}

void op_encode(const struct op *op, struct sn_wr *w)
{
	record_begin(w, VERSION);
	sn_wr_u8(w, (uint8_t)op->kind);
	sn_wr_u64(w, op->time);
	switch (op->kind) {
	case OP_MESSAGE:
		put_message(w, &op->message);
		break;
	case OP_ACCOUNT_ADD:
		put_account(w, &op->account);
		break;
	case OP_ACCOUNT_STATE:
		sn_wr_u64(w, op->account_state.account);
		sn_wr_u8(w, (uint8_t)op->account_state.state);
		break;
	case OP_DEVICE_BIND:
		put_device(w, &op->device_bind);
		break;
	case OP_DEVICE_REVOKE:
		sn_wr_u64(w, op->device_revoke.account);
		sn_wr_put(w, op->device_revoke.fingerprint, DEVICE_FINGERPRINT);
		break;
	case OP_ROOM_CREATE:
		sn_wr_u64(w, op->room_create.creator);
		sn_wr_u8(w, op->room_create.open);
		sn_wr_blob(w, op->room_create.name);
		sn_wr_blob(w, op->room_create.topic);
		sn_wr_u64(w, op->room_create.limit);
		sn_wr_u64(w, op->room_create.account_limit);
		sn_wr_u8(w, op->room_create.history);
		break;
	case OP_ROOM_MEMBER:
		sn_wr_u64(w, op->room_member.room);
		sn_wr_u64(w, op->room_member.account);
		sn_wr_u64(w, op->room_member.by);
		sn_wr_u8(w, (uint8_t)op->room_member.change);
		sn_wr_u64(w, op->room_member.limit);
		sn_wr_u64(w, op->room_member.account_limit);
		break;
	case OP_ROOM_TOPIC:
		sn_wr_u64(w, op->room_topic.room);
		sn_wr_u64(w, op->room_topic.by);
		sn_wr_blob(w, op->room_topic.topic);
		break;
	case OP_ROOM_DELETE:
		sn_wr_u64(w, op->room_delete.room);
		sn_wr_u64(w, op->room_delete.by);
		break;
	case OP_ROOM_HISTORY:
		sn_wr_u64(w, op->room_history.room);
		sn_wr_u64(w, op->room_history.by);
		sn_wr_u8(w, op->room_history.open);
		break;
	case OP_SUBJECT_MAP:
		sn_wr_u64(w, op->subject_map.account);
		mapping_write(w, &op->subject_map);
		break;
	case OP_SUBJECT_UNMAP:
		sn_wr_u64(w, op->subject_unmap.account);
		sn_wr_blob(w, op->subject_unmap.key);
		break;
	case OP_FORGET:
		sn_wr_blob(w, op->forget.seqs);
		break;
	case OP_PURGE:
		sn_wr_u64(w, op->purge.to);
		sn_wr_u64(w, op->purge.rows);
		break;
	case OP_LIMIT:
		put_limit(w, &op->limit);
		break;
	case OP_FORGOTTEN:
		sn_wr_u64(w, op->forgotten.sender);
		sn_wr_put(w, op->forgotten.id, SN_FRAME_ID);
		break;
	case OP_KIND_END:
		w->bad = true;
		break;
	}
	record_finish(w);
}

size_t op_tail_at(const struct op *op, size_t n)
{
	return (n - RECORD_CHECKSUM - op->message.tail.n);
}

enum sn_err op_decode(struct sn_bytes value, struct op *op)
{
	struct sn_rd r;
	enum sn_err err;

	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	memset(op, 0, sizeof(*op));
	op->kind = sn_rd_u8(&r);
	op->time = sn_rd_u64(&r);
	switch (op->kind) {
	case OP_MESSAGE:
		get_message(&r, &op->message);
		break;
	case OP_ACCOUNT_ADD:
		get_account(&r, &op->account);
		break;
	case OP_ACCOUNT_STATE:
		op->account_state.account = sn_rd_u64(&r);
		op->account_state.state = sn_rd_u8(&r);
		break;
	case OP_DEVICE_BIND:
		get_device(&r, &op->device_bind);
		break;
	case OP_DEVICE_REVOKE:
		op->device_revoke.account = sn_rd_u64(&r);
		sn_rd_copy(
		    &r, op->device_revoke.fingerprint, DEVICE_FINGERPRINT);
		break;
	case OP_ROOM_CREATE:
		op->room_create.creator = sn_rd_u64(&r);
		op->room_create.open = sn_rd_u8(&r) != 0;
		op->room_create.name = sn_rd_blob(&r);
		op->room_create.topic = sn_rd_blob(&r);
		op->room_create.limit = sn_rd_u64(&r);
		get_later(&r, op);
		break;
	case OP_ROOM_MEMBER:
		op->room_member.room = sn_rd_u64(&r);
		op->room_member.account = sn_rd_u64(&r);
		op->room_member.by = sn_rd_u64(&r);
		op->room_member.change = sn_rd_u8(&r);
		op->room_member.limit = sn_rd_u64(&r);
		get_later(&r, op);
		break;
	case OP_ROOM_TOPIC:
		op->room_topic.room = sn_rd_u64(&r);
		op->room_topic.by = sn_rd_u64(&r);
		op->room_topic.topic = sn_rd_blob(&r);
		break;
	case OP_ROOM_DELETE:
		op->room_delete.room = sn_rd_u64(&r);
		op->room_delete.by = sn_rd_u64(&r);
		break;
	case OP_ROOM_HISTORY:
		op->room_history.room = sn_rd_u64(&r);
		op->room_history.by = sn_rd_u64(&r);
		op->room_history.open = sn_rd_u8(&r) != 0;
		break;
	case OP_SUBJECT_MAP:
		op->subject_map.account = sn_rd_u64(&r);
		mapping_read(&r, &op->subject_map);
		break;
	case OP_SUBJECT_UNMAP:
		op->subject_unmap.account = sn_rd_u64(&r);
		op->subject_unmap.key = sn_rd_blob(&r);
		break;
	case OP_FORGET:
		op->forget.seqs = sn_rd_blob(&r);
		break;
	case OP_PURGE:
		op->purge.to = sn_rd_u64(&r);
		op->purge.rows = sn_rd_u64(&r);
		break;
	case OP_LIMIT:
		get_limit(&r, &op->limit);
		break;
	case OP_FORGOTTEN:
		op->forgotten.sender = sn_rd_u64(&r);
		sn_rd_copy(&r, op->forgotten.id, SN_FRAME_ID);
		break;
	case OP_KIND_END:
	default:
		return (SN_ECORRUPT);
	}
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}
